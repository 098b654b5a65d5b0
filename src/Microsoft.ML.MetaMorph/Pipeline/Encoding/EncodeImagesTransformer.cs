using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Appends a column of visual tokens to rows of pictures; made by <see cref="EncodeImagesEstimator"/>.</summary>
/// <inheritdoc cref="BatchTransformer" path="/remarks"/>
public sealed class EncodeImagesTransformer : BatchTransformer
{
    internal const string Kind = "image-encoder";
    internal const string Role = "pictures";

    private readonly EncodeImagesSettings _settings;
    private readonly Lease<ImageEncoderModel> _model;
    private readonly Device _device;

    internal EncodeImagesTransformer(IHostEnvironment environment, EncodeImagesSettings settings, Lease<ImageEncoderModel> model)
    {
        _settings = settings;
        _model = model;
        _device = ComputeDevice.Choose(environment);
    }

    /// <inheritdoc/>
    public override int BatchSize => _settings.BatchSize;

    /// <summary>A new handle on the encoder, for another estimator; dispose it after use.</summary>
    public ImageEncoder Encoder => new(_model.Share());

    internal override IReadOnlyList<string> InputColumns => _settings.InputColumnNames;

    internal static DataViewSchema.DetachedColumn Output(string name, int count, int width) => new(name, VisualTokensColumn.Type(count, width));

    internal static EncodeImagesTransformer Load(IHostEnvironment environment, ModelZipReader zip)
    {
        EncodeImagesSettings settings = SettingsJson.Read<EncodeImagesSettings>(zip);
        ImageEncoderModel model = ImageEncoderFolder.Open(zip, MLNetInternals.Settings(environment).TemporaryFolder, settings.Precision);
        return new EncodeImagesTransformer(environment, settings, new Lease<ImageEncoderModel>(model));
    }

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        foreach (string input in _settings.InputColumnNames) ImageColumn.Require(inputSchema, input, Role);
        ImageEncoderSettings settings = _model.Value.Settings;
        return [Output(_settings.OutputColumnName, settings.Tokens.Count, settings.TokenWidth)];
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
        => new EncodeImagesBatch(_settings, _model.Share(), _device, input, capacity);

    private protected override void Save(ModelSaveContext context) => MLNetInternals.Save(context, Kind, zip =>
    {
        SettingsJson.Write(zip, _settings with { Precision = _model.Value.Settings.Precision });
        ImageEncoderFolder.Save(_model.Value, zip);
    });

    private protected override void Dispose(bool disposing)
    {
        if (disposing) _model.Dispose();
    }
}

/// <summary>What is saved of the transformer beside the encoder.</summary>
internal sealed record EncodeImagesSettings(string OutputColumnName, string[] InputColumnNames, string? ImageFolder, int BatchSize, Precision Precision = Precision.Auto);
