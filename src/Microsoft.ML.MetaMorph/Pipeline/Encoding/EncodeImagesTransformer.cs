using Microsoft.ML.Data;
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
    private readonly Lazy<VisualTokenStore>? _store;
    private readonly Lease<LanguageImageEncoderModel>? _towers;

    /// <param name="environment">The context.</param>
    /// <param name="settings">Columns and batch size.</param>
    /// <param name="model">The encoder.</param>
    /// <param name="towers">The same vision tower with the text tower that it was trained beside; null where there is none.</param>
    /// <param name="cacheFolder">Where visual tokens are kept between runs; null: nowhere.</param>
    internal EncodeImagesTransformer(IHostEnvironment environment, EncodeImagesSettings settings, Lease<ImageEncoderModel> model, Lease<LanguageImageEncoderModel>? towers = null, string? cacheFolder = null)
    {
        _towers = towers?.HeldBy(typeof(EncodeImagesTransformer));
        _settings = settings;
        _model = model.HeldBy(typeof(EncodeImagesTransformer));
        _device = ComputeDevice.Choose(environment);
        // The encoder's weights are hashed where the first tokens are wanted.
        if (cacheFolder is not null) _store = new Lazy<VisualTokenStore>(() => Store(environment, cacheFolder));
    }

    /// <inheritdoc/>
    public override int BatchSize => _settings.BatchSize;

    /// <summary>A new handle on the encoder, for another estimator; dispose it after use.</summary>
    public ImageEncoder Encoder => new(_model.Share());

    /// <summary>
    /// A new handle on both towers, where <c>Trainers.LanguageImagePretraining</c> has just trained them by the sigmoid loss (<see cref="LanguageImagePretrainingOptions.ContrastiveWeight"/>):
    /// for <c>EmbedImages</c>, <c>EmbedTexts</c> and <c>ClassifyZeroShot</c>, or to be saved as a folder in the published layout; dispose it after use. Null else,
    /// and behind <c>mlContext.Model.Load</c>: the zip of this transformer holds the vision tower alone.
    /// </summary>
    public LanguageImageEncoder? LanguageImageEncoder => _towers is null ? null : new LanguageImageEncoder(_towers.Share());

    internal ImageEncoderModel Model => _model.Value;

    internal override IReadOnlyList<string> InputColumns => _settings.InputColumnNames;

    /// <summary>The columns that are appended: the visual tokens; if asked for, the errors; with several columns of pictures, how many each gave.</summary>
    internal static (EncodedOutput Output, DataViewSchema.DetachedColumn Column)[] Outputs(EncodeImagesSettings settings, int count, int width)
    {
        string name = settings.OutputColumnName;
        DataViewType type = VisualTokensColumn.Type(count, width);
        var outputs = new List<(EncodedOutput, DataViewSchema.DetachedColumn)> { (EncodedOutput.VisualTokens, settings.CountsColumnName is null ? new(name, type) : PictureCounts.Annotated(name, type)) };
        if (settings.ErrorColumnName is { } error) outputs.Add((EncodedOutput.Error, new(error, TextDataViewType.Instance)));
        if (settings.CountsColumnName is not null) outputs.Add((EncodedOutput.PictureCounts, PictureCounts.Column(name, settings.InputColumnNames)));
        return [.. outputs];
    }

    internal static EncodeImagesTransformer Load(IHostEnvironment environment, ModelZipReader zip)
    {
        EncodeImagesSettings settings = SettingsJson.Read<EncodeImagesSettings>(zip);
        ImageEncoderModel model = ImageEncoderFolder.Open(zip, MLNetInternals.Settings(environment).TemporaryFolder, settings.Precision, settings.TrainedIn);
        var transformer = new EncodeImagesTransformer(environment, settings, new Lease<ImageEncoderModel>(model));
        transformer.TellPrecision(environment);
        return transformer;
    }

    /// <summary>Tells the log in which element type the encoder computes.</summary>
    internal void TellPrecision(IHostEnvironment environment) => PrecisionLog.Tell(environment, "Image encoder", _model.Value.Choice(_device));

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        foreach (string input in _settings.InputColumnNames) ImageColumn.Require(inputSchema, input, Role);
        return [.. Outputs().Select(output => output.Column)];
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
        => new EncodeImagesBatch(_settings, [.. Outputs().Select(output => output.Output)], _model.Share(), activeOutputs[0] ? _store?.Value : null, _device, input, encodes: activeOutputs[0], capacity);

    private protected override void Save(ModelSaveContext context) => MLNetInternals.Save(context, Kind, zip =>
    {
        ImageEncoderModel model = _model.Value;
        SettingsJson.Write(zip, _settings with { Precision = model.Settings.Precision, TrainedIn = model.Settings.TrainedIn, ComputedIn = model.Choice(_device).ToString() });
        ImageEncoderFolder.Save(model, zip);
    });

    private protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        _model.Dispose();
        _towers?.Dispose();
    }

    private VisualTokenStore Store(IHostEnvironment environment, string folder)
    {
        return new VisualTokenStore(folder, ImageEncoderFolder.Fingerprint(_model.Value, _model.Value.Choice(_device).ComputeType), _model.Value.PictureLength, Warn);

        void Warn(string message)
        {
            using IChannel channel = environment.Start(nameof(EncodeImagesTransformer));
            channel.Warning(MessageSensitivity.UserData, message);
        }
    }

    private (EncodedOutput Output, DataViewSchema.DetachedColumn Column)[] Outputs()
        => Outputs(_settings, _model.Value.Settings.Tokens.Count, _model.Value.Settings.TokenWidth);
}

/// <summary>What the pictures of a row give to the columns.</summary>
internal enum EncodedOutput
{
    VisualTokens,
    Error,
    PictureCounts,
}
