using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Appends a column of vectors to rows of texts; made by <see cref="EmbedTextsEstimator"/>.</summary>
/// <inheritdoc cref="BatchTransformer" path="/remarks"/>
public sealed class EmbedTextsTransformer : LanguageImageTransformer
{
    internal const string Kind = "text-embedder";
    internal const string Role = "texts";

    private readonly EmbeddingSettings _settings;

    internal EmbedTextsTransformer(IHostEnvironment environment, EmbeddingSettings settings, Lease<LanguageImageEncoderModel> model)
        : base(environment, model)
    {
        _settings = settings;
    }

    /// <inheritdoc/>
    public override int BatchSize => _settings.BatchSize;

    internal override IReadOnlyList<string> InputColumns => [_settings.InputColumnName];

    internal static EmbedTextsTransformer Load(IHostEnvironment environment, ModelZipReader zip)
    {
        EmbeddingSettings settings = SettingsJson.Read<EmbeddingSettings>(zip);
        var transformer = new EmbedTextsTransformer(environment, settings, Open(environment, zip, settings.Precision, settings.TrainedIn));
        transformer.TellPrecision(environment);
        return transformer;
    }

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        TextColumn.Require(inputSchema, _settings.InputColumnName, Role);
        return _settings.Outputs(Model.VectorLength);
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
        => new EmbedTextsBatch(_settings, Share(), Device, input, computes: activeOutputs[0], capacity);

    private protected override void Save(ModelSaveContext context) => Save(context, Kind, image => _settings with { Precision = image.Precision, TrainedIn = image.TrainedIn });
}
