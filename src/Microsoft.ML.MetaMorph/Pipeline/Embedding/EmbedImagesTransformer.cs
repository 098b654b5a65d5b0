using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Appends a column of vectors to rows of pictures; made by <see cref="EmbedImagesEstimator"/>.</summary>
/// <inheritdoc cref="BatchTransformer" path="/remarks"/>
public sealed class EmbedImagesTransformer : LanguageImageTransformer
{
    internal const string Kind = "image-embedder";

    private readonly EmbedImagesSettings _settings;

    internal EmbedImagesTransformer(IHostEnvironment environment, EmbedImagesSettings settings, Lease<LanguageImageEncoderModel> model)
        : base(environment, model)
    {
        _settings = settings;
    }

    /// <inheritdoc/>
    public override int BatchSize => _settings.BatchSize;

    internal override IReadOnlyList<string> InputColumns => [_settings.InputColumnName];

    internal static EmbedImagesTransformer Load(IHostEnvironment environment, ModelZipReader zip)
    {
        EmbedImagesSettings settings = SettingsJson.Read<EmbedImagesSettings>(zip);
        var transformer = new EmbedImagesTransformer(environment, settings, Open(environment, zip, settings.Precision, settings.TrainedIn));
        transformer.TellPrecision(environment);
        return transformer;
    }

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        ImageColumn.Require(inputSchema, _settings.InputColumnName, EncodeImagesTransformer.Role);
        return _settings.Outputs(Model.VectorLength);
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
        => new EmbedImagesBatch(_settings, Share(), Device, input, computes: activeOutputs[0], capacity);

    private protected override void Save(ModelSaveContext context) => Save(context, Kind, image => _settings with { Precision = image.Precision, TrainedIn = image.TrainedIn });
}
