using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph;

/// <summary>Appends pictures drawn from a column of visual tokens; made by <see cref="GenerateImagesEstimator"/> or <see cref="VisualizerTrainer"/>.</summary>
/// <inheritdoc cref="BatchTransformer" path="/remarks"/>
public sealed class GenerateImagesTransformer : BatchTransformer
{
    internal const string Kind = "visualizer";
    internal const string Role = "visual tokens";

    private const string NegativeRole = "negative visual tokens", ErrorRole = "errors of what makes the visual tokens";

    private readonly IHost _host;
    private readonly GenerateImagesSettings _settings;
    private readonly DrawingRuntime _runtime;
    private readonly Lease<DrawingModel> _model;

    internal GenerateImagesTransformer(IHostEnvironment environment, GenerateImagesSettings settings, Lease<DrawingModel> model, IProgress<DrawingStatus>? progress = null, CancellationToken cancellation = default)
    {
        _host = environment.Register(nameof(GenerateImagesTransformer));
        _settings = settings;
        _model = model.HeldBy(typeof(GenerateImagesTransformer));
        _runtime = new DrawingRuntime(ComputeDevice.Choose(environment), progress, cancellation);
    }

    /// <inheritdoc/>
    public override int BatchSize => _settings.BatchSize;

    /// <summary>A new handle on the visualizer, for another estimator; dispose it after use.</summary>
    public Visualizer Visualizer => new(_model.Share());

    /// <summary>The model that draws.</summary>
    internal DrawingModel Model => _model.Value;

    /// <summary>How pictures are drawn; not to be changed.</summary>
    internal ImageGenerationOptions Generation => _settings.Generation;

    internal override IReadOnlyList<string> InputColumns => _settings.InputColumnNames;

    /// <summary>The same visualizer with other options of drawing; both share the weights.</summary>
    /// <param name="generation">How pictures are drawn.</param>
    /// <returns>A transformer of its own, to be disposed on its own.</returns>
    /// <exception cref="ArgumentException">The visualizer cannot draw with these steps, this size or this scheduler; the option is named.</exception>
    public GenerateImagesTransformer WithGeneration(ImageGenerationOptions generation)
    {
        ArgumentNullException.ThrowIfNull(generation);
        _model.Value.Require(generation, started: _settings.StartImageColumnName is not null);
        return new GenerateImagesTransformer(_host, _settings with { Generation = generation.Clone() }, _model.Share(), _runtime.Progress, _runtime.Cancellation);
    }

    internal static GenerateImagesTransformer Load(IHostEnvironment environment, ModelZipReader zip)
    {
        GenerateImagesSettings settings = SettingsJson.Read<GenerateImagesSettings>(zip);
        DrawingModel model = DrawingModelFolder.Open(zip, MLNetInternals.Settings(environment).TemporaryFolder, new DrawingModelSettings(settings.Precision, settings.TiledDecoding, settings.TrainedIn));
        var transformer = new GenerateImagesTransformer(environment, settings, new Lease<DrawingModel>(model));
        transformer.Tell(environment);
        return transformer;
    }

    /// <summary>Tells the log in which element type the visualizer computes, and what of its scheduler's configuration has no effect.</summary>
    internal void Tell(IHostEnvironment environment)
    {
        PrecisionLog.Tell(environment, "Visualizer", _model.Value.Choice(_runtime.Device));
        if (_model.Value.Unread(_settings.Generation) is not { } unread) return;
        using IChannel channel = environment.Start("Open");
        channel.Warning(MessageSensitivity.None, unread);
    }

    /// <summary>The columns that settings ask for: pictures or paths, and the errors behind them.</summary>
    /// <param name="settings">Names and sizes.</param>
    /// <param name="size">Height and width of a picture where the settings do not say; null where nothing does.</param>
    /// <remarks>ML.NET hands pictures to properties only where the column's type tells their size.</remarks>
    internal static DataViewSchema.DetachedColumn[] Outputs(GenerateImagesSettings settings, (int Height, int Width)? size)
    {
        DataViewType type = settings.OutputFolder is null ? PictureType(settings.Generation.Height ?? size?.Height, settings.Generation.Width ?? size?.Width) : new VectorDataViewType(TextDataViewType.Instance);
        var outputs = settings.OutputColumnNames.Select(name => new DataViewSchema.DetachedColumn(name, type));
        return settings.ErrorColumnName is { } error ? [.. outputs, new DataViewSchema.DetachedColumn(error, TextDataViewType.Instance)] : [.. outputs];
    }

    private static ImageDataViewType PictureType(int? height, int? width) => height is { } h && width is { } w ? new ImageDataViewType(h, w) : new ImageDataViewType();

    /// <summary>Checks the columns of a shape.</summary>
    internal static void Require(SchemaShape shape, GenerateImagesSettings settings)
    {
        VisualTokensColumn.Require(shape, settings.InputColumnName, Role);
        if (settings.InputErrorColumnName is { } errors) TextColumn.Require(shape, errors, ErrorRole);
        if (settings.SeedColumnName is { } seeds) SeedColumn.Require(shape, seeds);
        if (settings.NegativeTokensColumnName is { } negative) VisualTokensColumn.Require(shape, negative, NegativeRole);
        if (settings.StartImageColumnName is { } start) StartImageColumn.Require(shape, start);
    }

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        int count = TokenCount(inputSchema);
        if (_settings.InputErrorColumnName is { } errors) TextColumn.Require(inputSchema, errors, ErrorRole);
        if (_settings.SeedColumnName is { } seeds) SeedColumn.Require(inputSchema, seeds);
        if (_settings.NegativeTokensColumnName is { } negative) VisualTokensColumn.Require(inputSchema, negative, NegativeRole, count, _model.Value.Config.Adapter.InputWidth);
        if (_settings.StartImageColumnName is { } start) StartImageColumn.Require(inputSchema, start);
        return Outputs(_settings, _model.Value.PictureSize);
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
        => new GenerateImagesBatch(_host, _settings, _runtime, _model.Share(), TokenCount(input.Schema), input, capacity);

    private protected override void Save(ModelSaveContext context) => MLNetInternals.Save(context, Kind, zip =>
    {
        DrawingModelSettings computed = _model.Value.Settings;
        SettingsJson.Write(zip, _settings with
        {
            Precision = computed.Precision,
            TiledDecoding = computed.TiledDecoding,
            TrainedIn = computed.TrainedIn,
            ComputedIn = _model.Value.Choice(_runtime.Device).ToString(),
        });
        DrawingModelFolder.Save(_model.Value, zip);
    });

    private protected override void Dispose(bool disposing)
    {
        if (disposing) _model.Dispose();
    }

    /// <summary>N, from the visualizer or else from the column's type.</summary>
    private int TokenCount(DataViewSchema schema)
    {
        VisualTokenAdapterConfig adapter = _model.Value.Config.Adapter;
        (int Count, int Width)? found = VisualTokensColumn.Dimensions(schema, _settings.InputColumnName, Role);
        int count = adapter.ExactTokens ?? found?.Count
            ?? throw ColumnErrors.WrongType(_settings.InputColumnName, Role, schema[_settings.InputColumnName].Type.ToString()!, $"Vector<Single> with the dimensions [pictures, tokens, width] (this visualizer draws from {adapter.TokensInWords} tokens, so the column must tell it)");
        if (found is { } dimensions && dimensions != (count, adapter.InputWidth))
            throw Other(dimensions);
        if (!adapter.Takes(count)) throw Other((count, adapter.InputWidth));
        VisualTokensColumn.Require(schema, _settings.InputColumnName, Role, count, adapter.InputWidth);
        return count;

        ArgumentException Other((int Count, int Width) given)
            => new($"The column '{_settings.InputColumnName}' ({Role}) holds {given.Count} tokens a picture, each {given.Width} wide; the visualizer draws from {adapter.TokensInWords} tokens, each {adapter.InputWidth} wide. Use the visualizer that was trained with this encoder.");
    }
}
