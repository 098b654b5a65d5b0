using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Appends to rows of pictures the label that fits best, and how well each label fits; made by <see cref="ClassifyZeroShotEstimator"/>.</summary>
/// <inheritdoc cref="BatchTransformer" path="/remarks"/>
public sealed class ClassifyZeroShotTransformer : BatchTransformer
{
    internal const string Kind = "zero-shot";

    private readonly ClassifyZeroShotSettings _settings;
    private readonly Lease<LanguageImageEncoderModel> _model;
    private readonly Device _device;
    private readonly Lazy<ZeroShotLabels> _labels;

    internal ClassifyZeroShotTransformer(IHostEnvironment environment, ClassifyZeroShotSettings settings, Lease<LanguageImageEncoderModel> model)
    {
        _settings = settings;
        _model = model.HeldBy(typeof(ClassifyZeroShotTransformer));
        _device = ComputeDevice.Choose(environment);
        _labels = new Lazy<ZeroShotLabels>(() => ZeroShotLabels.Of(_model.Value, settings.Labels, settings.Templates, settings.BatchSize, _device));
    }

    /// <inheritdoc/>
    public override int BatchSize => _settings.BatchSize;

    /// <summary>The labels, in the order of the slots of scores and probabilities; the first has the key 1.</summary>
    public IReadOnlyList<string> Labels => _settings.Labels;

    /// <summary>A new handle on the encoder, for another estimator; dispose it after use.</summary>
    public LanguageImageEncoder Encoder => new(_model.Share());

    internal override IReadOnlyList<string> InputColumns => [_settings.InputColumnName];

    internal static ClassifyZeroShotTransformer Load(IHostEnvironment environment, ModelZipReader zip)
    {
        ClassifyZeroShotSettings settings = SettingsJson.Read<ClassifyZeroShotSettings>(zip);
        LanguageImageEncoderModel model = LanguageImageEncoderFolder.Open(zip, MLNetInternals.Settings(environment).TemporaryFolder, settings.Precision, settings.TrainedIn);
        var transformer = new ClassifyZeroShotTransformer(environment, settings, new Lease<LanguageImageEncoderModel>(model));
        transformer.TellPrecision(environment);
        return transformer;
    }

    /// <summary>Computes the vectors of the labels now, instead of before the first row.</summary>
    internal void Prepare() => _ = _labels.Value;

    /// <summary>Tells the log in which element type the encoder computes.</summary>
    internal void TellPrecision(IHostEnvironment environment) => PrecisionLog.Tell(environment, "Encoder of pictures and texts", _model.Value.Choice(_device));

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        ImageColumn.Require(inputSchema, _settings.InputColumnName, EncodeImagesTransformer.Role);
        return [.. _settings.Outputs().Select(output => output.Column)];
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
        => new ClassifyZeroShotBatch(_settings, _labels.Value, _model.Share(), _device, input, activeOutputs, capacity);

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
