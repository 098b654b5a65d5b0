using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Appends each row's picture as an autoencoder gives it back, and how far it is from the original; made by <see cref="AutoencoderTrainer"/>.</summary>
/// <inheritdoc cref="BatchTransformer" path="/remarks"/>
public sealed class AutoencodeImagesTransformer : BatchTransformer
{
    internal const string Kind = "autoencoder";

    private readonly AutoencodeImagesSettings _settings;
    private readonly Lease<AutoencoderModel> _model;
    private readonly Device _device;

    internal AutoencodeImagesTransformer(IHostEnvironment environment, AutoencodeImagesSettings settings, Lease<AutoencoderModel> model)
    {
        _settings = settings;
        _model = model.HeldBy(typeof(AutoencodeImagesTransformer));
        _device = ComputeDevice.Choose(environment);
    }

    /// <inheritdoc/>
    public override int BatchSize => _settings.BatchSize;

    /// <summary>A new handle on the autoencoder, to be saved or given to a visualizer's training; dispose it after use.</summary>
    public ImageAutoencoder Autoencoder => new(_model.Share());

    /// <summary>The model.</summary>
    internal AutoencoderModel Model => _model.Value;

    internal override IReadOnlyList<string> InputColumns => [_settings.InputColumnName];

    internal static AutoencodeImagesTransformer Load(IHostEnvironment environment, ModelZipReader zip)
    {
        AutoencodeImagesSettings settings = SettingsJson.Read<AutoencodeImagesSettings>(zip);
        AutoencoderModel model = AutoencoderZip.Open(zip, MLNetInternals.Settings(environment).TemporaryFolder, settings.Precision);
        return new AutoencodeImagesTransformer(environment, settings, new Lease<AutoencoderModel>(model));
    }

    /// <summary>The columns that are appended.</summary>
    /// <param name="settings">Their names.</param>
    /// <param name="size">Height and width of a picture; null where nothing says it yet.</param>
    internal static DataViewSchema.DetachedColumn[] Outputs(AutoencodeImagesSettings settings, int? size)
    {
        var picture = new DataViewSchema.DetachedColumn(settings.OutputColumnName, size is { } side ? new ImageDataViewType(side, side) : new ImageDataViewType());
        return settings.ErrorColumnName is { } error ? [picture, new DataViewSchema.DetachedColumn(error, NumberDataViewType.Single)] : [picture];
    }

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        ImageColumn.Require(inputSchema, _settings.InputColumnName, EncodeImagesTransformer.Role);
        return Outputs(_settings, _model.Value.PictureSize);
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
        => new AutoencodeImagesBatch(_settings, _model.Share(), _device, input, capacity);

    private protected override void Save(ModelSaveContext context) => MLNetInternals.Save(context, Kind, zip =>
    {
        SettingsJson.Write(zip, _settings with { Precision = _model.Value.Precision });
        AutoencoderZip.Save(_model.Value, zip);
    });

    private protected override void Dispose(bool disposing)
    {
        if (disposing) _model.Dispose();
    }
}
