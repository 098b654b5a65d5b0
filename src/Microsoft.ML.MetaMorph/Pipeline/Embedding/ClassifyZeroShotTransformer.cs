using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Appends to rows of pictures the label that fits best, and how well each label fits; made by <see cref="ClassifyZeroShotEstimator"/>.</summary>
/// <inheritdoc cref="BatchTransformer" path="/remarks"/>
public sealed class ClassifyZeroShotTransformer : LanguageImageTransformer
{
    internal const string Kind = "zero-shot";

    private readonly ClassifyZeroShotSettings _settings;
    private readonly Lazy<ZeroShotLabels> _labels;

    internal ClassifyZeroShotTransformer(IHostEnvironment environment, ClassifyZeroShotSettings settings, Lease<LanguageImageEncoderModel> model)
        : base(environment, model)
    {
        _settings = settings;
        _labels = new Lazy<ZeroShotLabels>(() => ZeroShotLabels.Of(Model, settings.Labels, settings.Templates, settings.BatchSize, Device));
    }

    /// <inheritdoc/>
    public override int BatchSize => _settings.BatchSize;

    /// <summary>The labels, in the order of the slots of scores and probabilities; the first has the key 1.</summary>
    public IReadOnlyList<string> Labels => _settings.Labels;

    internal override IReadOnlyList<string> InputColumns => [_settings.InputColumnName];

    internal static ClassifyZeroShotTransformer Load(IHostEnvironment environment, ModelZipReader zip)
    {
        ClassifyZeroShotSettings settings = SettingsJson.Read<ClassifyZeroShotSettings>(zip);
        var transformer = new ClassifyZeroShotTransformer(environment, settings, Open(environment, zip, settings.Precision, settings.TrainedIn));
        transformer.TellPrecision(environment);
        return transformer;
    }

    /// <summary>Computes the vectors of the labels now, instead of before the first row.</summary>
    internal void Prepare() => _ = _labels.Value;

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        ImageColumn.Require(inputSchema, _settings.InputColumnName, EncodeImagesTransformer.Role);
        return [.. _settings.Outputs().Select(output => output.Column)];
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
        => new ClassifyZeroShotBatch(_settings, _labels.Value, Share(), Device, input, activeOutputs, capacity);

    private protected override void Save(ModelSaveContext context) => Save(context, Kind, image => _settings with { Precision = image.Precision, TrainedIn = image.TrainedIn });
}
