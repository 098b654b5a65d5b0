using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Appends a column of vectors to rows of texts; made by <see cref="EmbedTextsEstimator"/>.</summary>
/// <inheritdoc cref="BatchTransformer" path="/remarks"/>
public sealed class EmbedTextsTransformer : BatchTransformer
{
    internal const string Kind = "text-embedder";
    internal const string Role = "texts";

    private readonly EmbedTextsSettings _settings;
    private readonly Lease<LanguageImageEncoderModel> _model;
    private readonly Device _device;

    internal EmbedTextsTransformer(IHostEnvironment environment, EmbedTextsSettings settings, Lease<LanguageImageEncoderModel> model)
    {
        _settings = settings;
        _model = model.HeldBy(typeof(EmbedTextsTransformer));
        _device = ComputeDevice.Choose(environment);
    }

    /// <inheritdoc/>
    public override int BatchSize => _settings.BatchSize;

    /// <summary>A new handle on the encoder, for another estimator; dispose it after use.</summary>
    public LanguageImageEncoder Encoder => new(_model.Share());

    internal override IReadOnlyList<string> InputColumns => [_settings.InputColumnName];

    internal static EmbedTextsTransformer Load(IHostEnvironment environment, ModelZipReader zip)
    {
        EmbedTextsSettings settings = SettingsJson.Read<EmbedTextsSettings>(zip);
        LanguageImageEncoderModel model = LanguageImageEncoderFolder.Open(zip, MLNetInternals.Settings(environment).TemporaryFolder, settings.Precision, settings.TrainedIn);
        var transformer = new EmbedTextsTransformer(environment, settings, new Lease<LanguageImageEncoderModel>(model));
        transformer.TellPrecision(environment);
        return transformer;
    }

    /// <summary>Tells the log in which element type the encoder computes.</summary>
    internal void TellPrecision(IHostEnvironment environment) => PrecisionLog.Tell(environment, "Encoder of pictures and texts", _model.Value.Choice(_device));

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        TextColumn.Require(inputSchema, _settings.InputColumnName, Role);
        return _settings.Outputs(_model.Value.VectorLength);
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
        => new EmbedTextsBatch(_settings, _model.Share(), _device, input, computes: activeOutputs[0], capacity);

    private protected override void Save(ModelSaveContext context) => MLNetInternals.Save(context, Kind, zip =>
    {
        ImageEncoderSettings image = _model.Value.Settings.Image;
        SettingsJson.Write(zip, _settings with { Precision = image.Precision, TrainedIn = image.TrainedIn });
        LanguageImageEncoderFolder.Save(_model.Value, zip);
    });

    private protected override void Dispose(bool disposing)
    {
        if (disposing) _model.Dispose();
    }
}
