using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Trains a visualizer on pictures and their visual tokens: from nothing, or going on from a published one or a Stable Diffusion.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Trainer Characteristics
/// |  |  |
/// | -- | -- |
/// | Machine learning task | Drawing pictures from visual tokens |
/// | Is normalization required? | No |
/// | Is caching required? | No; visual tokens are kept from the first epoch on (`TokenCacheMegabytes`), pictures are read anew each epoch |
/// | Input column data type | <xref:Microsoft.ML.Data.MLImage>, text (a path), vector of text (several paths) or vector of byte (an encoded picture); vector of <xref:System.Single> with the dimensions [pictures, N, D] |
/// | Output column data type | <xref:Microsoft.ML.Data.MLImage> |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
///
/// ### Training Algorithm Details
/// Noise is added to a picture (or to its latents), and a network that is told the picture's visual tokens learns to say what was there
/// before, or what was added: the squared error of the clean picture (default of a visualizer trained from nothing), of the noise (Stable
/// Diffusion) or of the velocity, as the visualizer's scheduler says. In a share of the pictures the tokens are
/// replaced by zeros (arXiv 2412.14164, section 3.4), which is what guidance leads away from. The trained visualizer is
/// `GenerateImagesTransformer.Visualizer`; the transformer itself draws each row's pictures from their true tokens.
/// ]]></format>
/// </remarks>
public sealed class VisualizerTrainer : IEstimator<GenerateImagesTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly IHost _host;
    private readonly Options _options;

    internal VisualizerTrainer(IHostEnvironment environment, Options options)
    {
        options.Validate();
        _environment = environment;
        _host = environment.Register(nameof(VisualizerTrainer));
        _options = options;
    }

    /// <summary>Trains on all rows.</summary>
    /// <param name="input">The rows: pictures and their visual tokens.</param>
    /// <returns>The trained visualizer as a transformer.</returns>
    /// <exception cref="ArgumentException">A column is missing, of another type, or of dimensions that do not fit.</exception>
    /// <exception cref="InvalidDataException">A row's pictures and tokens differ in number, a folder does not fit, or <see cref="Options.CheckpointFolder"/> holds another training.</exception>
    /// <exception cref="IOException">A checkpoint cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The training was cancelled.</exception>
    /// <exception cref="InsufficientMemoryException">Weights, gradients and moments need more memory than there is; told before anything is loaded.</exception>
    public GenerateImagesTransformer Fit(IDataView input) => Fit(input, validationData: null, previousModel: null);

    /// <summary>
    /// Trains on all rows and looks at others, now and then (<see cref="Options.ValidationInterval"/>) and at the end: their loss is logged, and their
    /// pictures are drawn from their tokens where a folder is given (<see cref="Options.ValidationFolder"/>).
    /// </summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="validationData">Rows that are not learned; at least one.</param>
    public GenerateImagesTransformer Fit(IDataView trainData, IDataView validationData) => Fit(trainData, validationData, previousModel: null);

    /// <summary>Goes on training a visualizer; that one stays as it is. Its sizes and weights are the start, whatever the options say.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="previousModel">The visualizer to start from.</param>
    public GenerateImagesTransformer Fit(IDataView trainData, GenerateImagesTransformer previousModel)
    {
        ArgumentNullException.ThrowIfNull(previousModel);
        return Fit(trainData, validationData: null, previousModel);
    }

    /// <summary>Trains on all rows, scores others, and starts from a visualizer; each of the last two may be null.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="validationData">Rows that are not learned; null for none. No row at all is an error, told before the training; rows with nothing to evaluate are a warning in the log.</param>
    /// <param name="previousModel">The visualizer to start from; null for what the options say.</param>
    public GenerateImagesTransformer Fit(IDataView trainData, IDataView? validationData, GenerateImagesTransformer? previousModel)
    {
        ArgumentNullException.ThrowIfNull(trainData);
        (int count, int width) = Check(trainData.Schema);
        if (validationData is not null && Check(validationData.Schema) is var other && other != (count, width))
            throw new ArgumentException($"The validation rows have {other.Count} visual tokens a picture, each {other.Width} wide; the training rows {count}, each {width} wide.", nameof(validationData));
        ValidationRows.Require(validationData);
        using var log = new TrainingLog(_host, "TrainVisualizer", _options);
        Device device = ComputeDevice.Choose(_environment);
        int seed = MLNetInternals.Settings(_environment).Seed ?? _options.Training.Seed;
        GenerateImagesSettings drawing = _options.ToSettings(previousModel);
        VisualizerModel start = Start(previousModel, count, width, device, seed);
        try
        {
            RequireTokens(start.Config.Adapter, count, width);
            RequireDrawing(start, drawing.Generation);
            bool tiled = _options.TiledDecoding ?? previousModel?.Model.Settings.TiledDecoding ?? false;
            PrecisionChoice trainedIn = Train(start, trainData, validationData, () => Fingerprint(trainData, previousModel, start, count, width, seed), new TokenSettings(_options.VisualTokensColumnName, count, width), drawing.Generation, seed, tiled, log);
            var model = new DrawingModel(start.Config, new DrawingModelSettings(_options.Training.Precision, tiled, trainedIn.ToString()), target => target.ToString() == device.ToString() ? start : Moved(start, target), storage: null);
            // The trained model belongs to the transformer from here on.
            model.Prepare(device);
            return new GenerateImagesTransformer(_environment, drawing, new Lease<DrawingModel>(model));
        }
        catch
        {
            start.Dispose();
            throw;
        }
    }

    /// <summary>The schema after the transformer.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns and the picture.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        foreach (string column in _options.ImageColumnNames) ImageColumn.Require(inputSchema, column, EncodeImagesTransformer.Role);
        VisualTokensColumn.Require(inputSchema, _options.VisualTokensColumnName, GenerateImagesTransformer.Role);
        return SchemaShapes.Append(inputSchema, GenerateImagesTransformer.Outputs(_options.ToSettings(previous: null), (_options.PretrainedFolder is null ? _options.Architecture.ImageSize : _options.ImageSize) is { } size ? (size, size) : null));
    }

    private (int Count, int Width) Check(DataViewSchema schema)
    {
        foreach (string column in _options.ImageColumnNames) ImageColumn.Require(schema, column, EncodeImagesTransformer.Role);
        string name = _options.VisualTokensColumnName;
        return VisualTokensColumn.Dimensions(schema, name, GenerateImagesTransformer.Role)
            ?? throw ColumnErrors.WrongType(name, GenerateImagesTransformer.Role, schema[name].Type.ToString()!, "Vector<Single> with the dimensions [pictures, tokens, width], as EncodeImages gives it,");
    }

    private VisualizerModel Start(GenerateImagesTransformer? previous, int count, int width, Device device, int seed)
    {
        var memory = new TrainingMemory(device, _options.Training.AveragingDecay is not null);
        if (previous is not null) return TrainableVisualizer.Copy(previous.Model, memory, device);
        if (_options.PretrainedFolder is not { } folder) return Fresh(count, width, memory, device, seed);
        // The published adapter: two layers, 2048 wide between them, for the width of Stable Diffusion's attention.
        return TrainableVisualizer.FromFolder(new VisualizerStart(folder, _options.StableDiffusionFolder, _options.Variant, _options.ImageSize), new VisualTokenAdapterConfig { InputWidth = width, TokenCount = count }, memory, device, seed);
    }

    private VisualizerModel Fresh(int count, int width, TrainingMemory memory, Device device, int seed)
    {
        using Lease<AutoencoderModel>? autoencoder = _options.Autoencoder?.Share();
        return TrainableVisualizer.Fresh(_options.Architecture.ToConfig(count, width, autoencoder?.Value.Config), autoencoder?.Value, memory, device, seed);
    }

    /// <summary>Refuses options of drawing that the visualizer cannot draw with: its validations would fail, and every row of the transformer.</summary>
    private static void RequireDrawing(VisualizerModel model, ImageGenerationOptions generation)
    {
        using var drawing = new DrawingModel(model.Config, new DrawingModelSettings(), _ => throw new InvalidOperationException("Nothing is drawn here."), storage: null);
        drawing.Require(generation, started: false);
    }

    private static void RequireTokens(VisualTokenAdapterConfig adapter, int count, int width)
    {
        if (adapter.InputWidth != width || !adapter.Takes(count))
            throw new InvalidDataException($"The visualizer draws from {adapter.TokensInWords} visual tokens, each {adapter.InputWidth} wide; the rows have {count}, each {width} wide. Encode the pictures with the encoder of that visualizer, or train another one.");
    }

    private PrecisionChoice Train(VisualizerModel model, IDataView trainData, IDataView? validationData, Func<TrainingFingerprint> fingerprint, TokenSettings tokens, ImageGenerationOptions generation, int seed, bool tiled, TrainingLog log)
    {
        VisualizerTrainingOptions training = _options.Training with { Seed = seed };
        SchedulerConfig scheduler = model.Config.Scheduler ?? SchedulerConfig.StableDiffusion;
        using TrainingCheckpoints? checkpoints = log.Checkpoints(_options, fingerprint);
        using var trainer = new DiffusionTrainer(model, model.Codec(), scheduler, training, checkpoints);
        log.Info($"Linear layers and convolutions are computed in {trainer.Precision}.");
        log.Begin(trainer.Precision, checkpoints, fingerprint);
        int size = TrainableVisualizer.Side(model.Config);
        PicturesWithTokens Source(IDataView data, TokenCache? kept = null) => new(
            data,
            new PictureSettings(_options.ImageColumnNames, _options.ImageFolder, size, _options.AspectRatio, training.BatchSize),
            tokens with { Cache = kept });
        using TokenCache? cache = _options.TokenCacheMegabytes > 0 || _options.TokenCacheFolder is not null ? new TokenCache((long)_options.TokenCacheMegabytes << 20, _options.TokenCacheFolder) : null;
        ValidationSettings settings = _options.ToValidation();
        VisualizerValidation? validation = validationData is null ? null : new VisualizerValidation(model, trainer, scheduler, Source(validationData), generation, tiled, settings);
        validation?.Require(log.Cancellation);
        VisualizerResult result = trainer.Train(Source(trainData, cache).Endless(seed, checkpoints?.Next ?? default), step => Report(step, validation, settings, log), cancellationToken: log.Cancellation);
        log.End(result.End, result.Steps);
        // A validation after the last step was made already, and whoever cancels does not wait for one.
        if (validation is not null && result.End != TrainingEnd.Cancelled && validation.LastStep != result.Steps) Validate(validation, result.Steps, "", log);
        return trainer.Precision;
    }

    /// <summary>What has to be the same where a checkpoint is gone on from.</summary>
    private TrainingFingerprint Fingerprint(IDataView trainData, GenerateImagesTransformer? previous, VisualizerModel start, int count, int width, int seed)
    {
        TrainingFingerprint fingerprint = new TrainingFingerprint("Visualizer")
            .With(nameof(Options.ImageColumnNames), string.Join(", ", _options.ImageColumnNames))
            .With(nameof(Options.VisualTokensColumnName), _options.VisualTokensColumnName)
            .With(nameof(Options.AspectRatio), _options.AspectRatio)
            .With("Visual tokens of a picture", $"{count} of width {width}")
            .WithRows(trainData.GetRowCount())
            .WithOptions(nameof(Options.Training), _options.Training with { Seed = seed }, nameof(VisualizerTrainingOptions.PicturesAtATime), nameof(VisualizerTrainingOptions.ActivationCheckpointing));
        if (previous is not null) return WithConfigs("Previous model", start.Config, fingerprint.WithWeights("Previous model", previous.Model.Parameters()));
        if (_options.PretrainedFolder is { } folder)
        {
            return WithConfigs("Model of PretrainedFolder", start.Config, fingerprint.WithPretrained(folder, start))
                .With(nameof(Options.StableDiffusionFolder), _options.StableDiffusionFolder)
                .With(nameof(Options.Variant), _options.Variant)
                .With(nameof(Options.ImageSize), _options.ImageSize);
        }

        using Lease<AutoencoderModel>? autoencoder = _options.Autoencoder?.Share();
        if (autoencoder is not null) fingerprint.WithWeights(nameof(Options.Autoencoder), autoencoder.Value.Parameters());
        return fingerprint.WithOptions(nameof(Options.Architecture), _options.Architecture);
    }

    private static TrainingFingerprint WithConfigs(string name, VisualizerConfig config, TrainingFingerprint fingerprint) => fingerprint
        .WithConfig($"{name}, adapter", config.Adapter.Write)
        .WithConfig($"{name}, UNet", config.UNet.Write)
        .WithConfig($"{name}, autoencoder", config.Autoencoder is { } autoencoder ? autoencoder.Write : null)
        .WithConfig($"{name}, scheduler", config.Scheduler is { } scheduler ? scheduler.Write : null)
        .With($"{name}, pixel unshuffle", config.PixelUnshuffle);

    private void Report(VisualizerProgress step, VisualizerValidation? validation, ValidationSettings settings, TrainingLog log)
    {
        settings.Board?.AddStep(step, step.Loss);
        double? validated = validation is not null && settings.IsDue(step.Step) ? Validate(validation, step.Step, string.Create(System.Globalization.CultureInfo.InvariantCulture, $" after step {step.Step}"), log) : null;
        log.Report(new TrainingStatus(step.Step, step.TotalSteps, step.Share, 1, step.Loss, 0, step.Loss, step.LearningRate, step.PicturesPerSecond, step.Elapsed, validated) { GradientNorm = step.GradientNorm });
    }

    private double? Validate(VisualizerValidation validation, long step, string when, TrainingLog log)
    {
        double? loss = validation.Run(step);
        if (loss is { } value)
        {
            log.Info(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Validation{when}: loss {value:F4}."));
            log.Figure("validation loss", value);
        }
        else log.Warn(ValidationRows.Nothing($"a picture ({RowErrors.Columns(_options.ImageColumnNames)})"));
        return loss;
    }

    private static VisualizerModel Moved(VisualizerModel model, Device target)
        => new(model.Config, new CopiedParameters(model.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter), target));

    /// <summary>Options of <see cref="VisualizerTrainer"/>.</summary>
    public sealed class Options : ITrainingControl, ICheckpointOptions
    {
        /// <summary>The column of pictures that the trained transformer appends.</summary>
        public string OutputColumnName { get; set; } = DefaultColumnNames.Picture;

        /// <summary>The columns of pictures to learn from, in the order in which they were encoded.</summary>
        public IReadOnlyList<string> ImageColumnNames { get; set; } = [DefaultColumnNames.Image];

        /// <summary>The column of their visual tokens.</summary>
        public string VisualTokensColumnName { get; set; } = DefaultColumnNames.VisualTokens;

        /// <summary>
        /// Where training starts: a visualizer, or a Stable Diffusion, which gets a fresh adapter; a folder, or the name (<c>org/name</c>) of a model in
        /// the local Hugging Face cache. Null (default): from nothing, with <see cref="Architecture"/>.
        /// </summary>
        public string? PretrainedFolder { get; set; }

        /// <summary>A Stable Diffusion that has what <see cref="PretrainedFolder"/> lacks. Null (default): it has all.</summary>
        public string? StableDiffusionFolder { get; set; }

        /// <summary>Which of several stored precisions of network and autoencoder is read from <see cref="PretrainedFolder"/>, such as <c>fp16</c> or <c>ema</c>. Null (default): the files without one in their names.</summary>
        public string? Variant { get; set; }

        /// <summary>Height and width in pixels of the pictures that a visualizer of <see cref="PretrainedFolder"/> learns, and from then on draws. Null (default): those that it was made for (512 for Stable Diffusion 1.x).</summary>
        public int? ImageSize { get; set; }

        /// <summary>Whether the trained visualizer decodes large pictures tile by tile, which takes less memory. Null (default): as the visualizer that training goes on from does, or else not.</summary>
        public bool? TiledDecoding { get; set; }

        /// <summary>The sizes of a visualizer that starts from nothing.</summary>
        public VisualizerArchitecture Architecture { get; set; } = new();

        /// <summary>
        /// The autoencoder in whose latents a visualizer from nothing denoises; it stays as it is, and a copy of it belongs to the visualizer (and learns
        /// with it where <see cref="VisualizerTrainingOptions.Parts"/> is <see cref="VisualizerParts.All"/>).
        /// Null (default): it denoises pixels.
        /// </summary>
        public ImageAutoencoder? Autoencoder { get; set; }

        /// <summary>The folder at which relative paths start. Null: the current folder of the process.</summary>
        public string? ImageFolder { get; set; }

        /// <summary>What becomes of a picture that is not square; as for the encoder.</summary>
        public ImageAspectRatio AspectRatio { get; set; } = ImageAspectRatio.Square;

        /// <summary>Batch size, learning rate and all else of the training. Where none are set: <see cref="VisualizerTrainingOptions.FromNothing"/>, or the paper's where <see cref="PretrainedFolder"/> is given. The seed of the <see cref="MLContext"/>, where it has one, stands for the seed here.</summary>
        public VisualizerTrainingOptions Training
        {
            get => field ?? (PretrainedFolder is null ? VisualizerTrainingOptions.FromNothing : new VisualizerTrainingOptions());
            set;
        }

        /// <summary>
        /// How the trained transformer draws. Null: as the previous one where training goes on from it; otherwise 30 steps with guidance 2 from nothing, or
        /// the published 50 steps with guidance 7.5 where <see cref="PretrainedFolder"/> is given.
        /// </summary>
        public ImageGenerationOptions? Generation { get; set; }

        /// <summary>Rows that the transformer reads ahead, 1 to 65,536. Default: 8.</summary>
        public int DrawingBatchSize { get; set; } = 8;

        /// <summary>
        /// Visual tokens of training rows are kept in memory up to this many megabytes (2^20 bytes), so that pictures are encoded in the first epoch only;
        /// further ones go into <see cref="TokenCacheFolder"/>, or are computed again each epoch. At least 0. Default: 1024.
        /// 0 and no folder: none are kept, for rows that are not the same in every epoch.
        /// </summary>
        public int TokenCacheMegabytes { get; set; } = 1024;

        /// <summary>The folder for a file of the visual tokens that <see cref="TokenCacheMegabytes"/> leaves no room for; the file goes away after the training. Null (default): none.</summary>
        public string? TokenCacheFolder { get; set; }

        /// <summary>Steps between two validations, at least 1, where <see cref="Fit(IDataView, IDataView)"/> is given validation rows. Null (default): one at the end.</summary>
        public int? ValidationInterval { get; set; }

        /// <summary>
        /// The folder for a picture of each validation, <c>step-000200.png</c>: validation pictures, each with what is drawn from its tokens on its
        /// right. It is made where it does not exist; files of the same names are replaced. Null (default): <see cref="TensorBoardFolder"/>, or none.
        /// </summary>
        public string? ValidationFolder { get; set; }

        /// <summary>Validation pictures that are drawn, at least 1: the first ones. Default: 8.</summary>
        public int ValidationPictures { get; set; } = 8;

        /// <summary>The folder for an event file of TensorBoard with losses, learning rate and validation pictures; one training, one folder. Null (default): none.</summary>
        public string? TensorBoardFolder { get; set; }

        /// <inheritdoc cref="AutoencoderTrainer.Options.CheckpointFolder"/>
        public string? CheckpointFolder { get; set; }

        /// <inheritdoc cref="AutoencoderTrainer.Options.CheckpointInterval"/>
        public int CheckpointInterval { get; set; } = 500;

        /// <inheritdoc cref="AutoencoderTrainer.Options.CheckpointCount"/>
        public int CheckpointCount { get; set; } = 2;

        /// <inheritdoc cref="VisualPredictiveInstructionTuningTrainer.Options.LogFolder"/>
        public string? LogFolder { get; set; }

        /// <summary>Whether a cancelled training gives the visualizer as it stands. Default: false, it throws <see cref="OperationCanceledException"/>.</summary>
        public bool KeepCancelled { get; set; }

        /// <summary>Told after every step, on the training's thread. Null: nobody.</summary>
        public IProgress<TrainingStatus>? Progress { get; set; }

        /// <summary>Ends the training before its next step.</summary>
        public CancellationToken CancellationToken { get; set; }

        internal void Validate()
        {
            ArgumentException.ThrowIfNullOrEmpty(OutputColumnName);
            ArgumentException.ThrowIfNullOrEmpty(VisualTokensColumnName);
            ArgumentNullException.ThrowIfNull(ImageColumnNames);
            if (ImageColumnNames.Count == 0) throw new ArgumentException($"{nameof(ImageColumnNames)} is empty; at least one column of pictures is needed.");
            ColumnNames.RequireAll(nameof(ImageColumnNames), ImageColumnNames);
            ArgumentNullException.ThrowIfNull(Architecture);
            if (Autoencoder is not null && PretrainedFolder is not null)
                throw new ArgumentException($"{nameof(Autoencoder)} is given with {nameof(PretrainedFolder)} ('{PretrainedFolder}'), which has one of its own. Leave one of them away.");
            RequirePretrained(nameof(Variant), Variant);
            RequirePretrained(nameof(ImageSize), ImageSize, $"; the size of a visualizer from nothing is {nameof(VisualizerArchitecture)}.{nameof(VisualizerArchitecture.ImageSize)}");
            if (ImageSize < 1) throw new ArgumentOutOfRangeException(nameof(ImageSize), ImageSize, $"{nameof(ImageSize)} is {ImageSize}; at least 1 is needed.");
            BatchSizes.Require(DrawingBatchSize, nameof(DrawingBatchSize));
            if (TokenCacheMegabytes < 0) throw new ArgumentOutOfRangeException(nameof(TokenCacheMegabytes), TokenCacheMegabytes, $"{nameof(TokenCacheMegabytes)} is {TokenCacheMegabytes}; at least 0 is needed.");
            ValidationSettings.Validate(ValidationInterval, ValidationPictures);
            CheckpointSettings.Validate(this);
            if (LogFolder is { } folder) ArgumentException.ThrowIfNullOrWhiteSpace(folder, nameof(LogFolder));
            Training.Validate();
            OptionRange.Check(nameof(AspectRatio), AspectRatio);
        }

        internal ValidationSettings ToValidation() => ValidationSettings.Of(ValidationInterval, ValidationPictures, ValidationFolder, TensorBoardFolder);

        private void RequirePretrained(string option, object? value, string instead = "")
        {
            if (value is not null && PretrainedFolder is null) throw new ArgumentException($"{option} is {value}, but there is no {nameof(PretrainedFolder)} that it belongs to{instead}. Give one, or leave {option} out.");
        }

        internal GenerateImagesSettings ToSettings(GenerateImagesTransformer? previous) => new()
        {
            OutputColumnName = OutputColumnName,
            InputColumnName = VisualTokensColumnName,
            BatchSize = DrawingBatchSize,
            Precision = Training.Precision,
            Generation = (Generation ?? previous?.Generation)?.Clone() ?? (PretrainedFolder is null ? new ImageGenerationOptions { Steps = 30, GuidanceScale = 2 } : new ImageGenerationOptions()),
        };
    }
}
