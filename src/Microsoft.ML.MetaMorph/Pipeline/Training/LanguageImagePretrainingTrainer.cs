using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Trains an image encoder on pictures with captions: from nothing, or going on from a published SigLIP or SigLIP 2.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Trainer Characteristics
/// |  |  |
/// | -- | -- |
/// | Machine learning task | Representation of pictures |
/// | Is normalization required? | No |
/// | Is caching required? | No; pictures are read anew each epoch |
/// | Input column data type | <xref:Microsoft.ML.Data.MLImage>, text (a path), or vector of byte (an encoded picture); text (the caption) |
/// | Output column data type | Vector of <xref:System.Single> with the dimensions [pictures, N, D] |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
///
/// ### Training Algorithm Details
/// A captioning decoder reads the reduced, normalised visual tokens and learns to write the caption; with
/// `LanguageImagePretrainingOptions.ContrastiveWeight` a text tower is compared with the pooled picture by the sigmoid loss of SigLIP
/// (arXiv 2303.15343). The decoder is let go afterwards; the trained encoder is `EncodeImagesTransformer.Encoder`.
///
/// A published SigLIP or SigLIP 2 (NaFlex too) learns on from pictures with texts of one's own by the loss that it was made with:
/// `CaptionWeight` 0, `ContrastiveWeight` 1 and `PretrainedFolder`; both towers, scale and bias learn, and captions go through the folder's own tokenizer. Both
/// towers together are then `EncodeImagesTransformer.LanguageImageEncoder`, whose `Save` writes the published layout.
/// ]]></format>
/// </remarks>
public sealed class LanguageImagePretrainingTrainer : IEstimator<EncodeImagesTransformer>
{
    private const string CaptionRole = "captions";

    private readonly IHostEnvironment _environment;
    private readonly IHost _host;
    private readonly Options _options;

    internal LanguageImagePretrainingTrainer(IHostEnvironment environment, Options options)
    {
        options.Validate();
        _environment = environment;
        _host = environment.Register(nameof(LanguageImagePretrainingTrainer));
        _options = options;
    }

    /// <summary>Trains on all rows.</summary>
    /// <param name="input">The rows: each a picture and its caption.</param>
    /// <returns>The trained encoder as a transformer.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidDataException">A row has no picture, or more than one, no row has a caption, or <see cref="Options.CheckpointFolder"/> holds another training.</exception>
    /// <exception cref="IOException">A checkpoint cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The training was cancelled.</exception>
    /// <exception cref="InsufficientMemoryException">Weights, gradients and moments need more memory than there is; told before anything is loaded.</exception>
    public EncodeImagesTransformer Fit(IDataView input) => Fit(input, validationData: null, previousModel: null);

    /// <summary>Trains on all rows and scores others at the end; the scores are logged.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="validationData">Rows that are not learned; at least one.</param>
    public EncodeImagesTransformer Fit(IDataView trainData, IDataView validationData) => Fit(trainData, validationData, previousModel: null);

    /// <summary>
    /// Goes on training an encoder; that one stays as it is. Its sizes, its weights, its number of visual tokens and its preprocessing are the
    /// start, whatever the options say. Its teachers were let go, so the captioning decoder or the text tower starts anew: a lower learning
    /// rate keeps them from spoiling what the encoder knows.
    /// </summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="previousModel">The encoder to start from.</param>
    /// <exception cref="NotSupportedException">The encoder's tokens come from another layer than the last.</exception>
    public EncodeImagesTransformer Fit(IDataView trainData, EncodeImagesTransformer previousModel)
    {
        ArgumentNullException.ThrowIfNull(previousModel);
        return Fit(trainData, validationData: null, previousModel);
    }

    /// <summary>Trains on all rows, scores others at the end, and starts from an encoder; each of the last two may be null.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="validationData">Rows that are not learned; null for none. No row at all is an error, told before the training; rows with nothing to evaluate are a warning in the log.</param>
    /// <param name="previousModel">The encoder to start from; null for what the options say.</param>
    public EncodeImagesTransformer Fit(IDataView trainData, IDataView? validationData, EncodeImagesTransformer? previousModel)
    {
        ArgumentNullException.ThrowIfNull(trainData);
        Check(trainData.Schema);
        if (validationData is not null) Check(validationData.Schema);
        ValidationRows.Require(validationData);
        using var log = new TrainingLog(_host, "TrainEncoder", _options);
        Device device = ComputeDevice.Choose(_environment);
        int seed = MLNetInternals.Settings(_environment).Seed ?? _options.Training.Seed;
        var texts = new TextTowerTokenizer(Tokenizer(trainData, previousModel));
        var tokens = new CaptionTokens(texts.Tokenizer.HighestId + 1, texts.End, texts.Padding);
        EncoderStart start = Start(previousModel, tokens, device, seed);
        using LanguageImageModel model = start.Model;
        var untrained = new ImageEncoderSettings(model.Config.Vision, start.Preprocessing, model.Config.Tokens, _options.Training.Precision);
        var captions = new CaptionSettings(_options.ImageColumnName, _options.CaptionColumnName, _options.ImageFolder, ImageEncoding.Of(untrained), texts, _options.Training.BatchSize);
        PrecisionChoice precision = Train(model, captions, tokens, trainData, validationData, () => Fingerprint(trainData, previousModel, model, texts.Tokenizer, seed), seed, log);
        ImageEncoderSettings settings = untrained with { TrainedIn = precision.ToString() };
        var encoder = new ImageEncoderModel(settings, target => Copy(model, target), storage: null);
        // The model goes away with this method: the tower that computes and the one that is saved are made now.
        encoder.Prepare(device);
        encoder.Prepare(CPU);
        return new EncodeImagesTransformer(_environment, Encoding(), new Lease<ImageEncoderModel>(encoder), Towers(model, settings, texts, device));
    }

    /// <summary>The schema after the transformer.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns and the visual tokens.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        ImageColumn.Require(inputSchema, _options.ImageColumnName, EncodeImagesTransformer.Role);
        TextColumn.Require(inputSchema, _options.CaptionColumnName, CaptionRole);
        return SchemaShapes.Append(inputSchema, [.. EncodeImagesTransformer.Outputs(Encoding(), _options.Training.VisualTokenCount, _options.Training.Width).Select(output => output.Column)]);
    }

    private EncodeImagesSettings Encoding() => new(_options.OutputColumnName, [_options.ImageColumnName], _options.ImageFolder, _options.EncodingBatchSize);

    private void Check(DataViewSchema schema)
    {
        ImageColumn.Require(schema, _options.ImageColumnName, EncodeImagesTransformer.Role);
        TextColumn.Require(schema, _options.CaptionColumnName, CaptionRole);
    }

    private LanguageTokenizer Tokenizer(IDataView trainData, EncodeImagesTransformer? previous)
    {
        if (_options.Tokenizer is { } given) return given;
        // A published text tower goes on learning only beside the contrastive loss, and only where the folder is the start.
        bool goesOn = previous is null && _options.Training.ContrastiveWeight > 0;
        return (goesOn && _options.PretrainedFolder is { } folder ? EncoderStart.TokenizerOf(folder) : null)
            ?? LanguageTokenizer.Train(TextRows.Read(trainData, _options.CaptionColumnName), _options.TokenizerTraining);
    }

    // Both towers, without the captioning decoder; null where the losses had no text tower.
    private static Lease<LanguageImageEncoderModel>? Towers(LanguageImageModel model, ImageEncoderSettings image, TextTowerTokenizer texts, Device device)
    {
        if (model.Config.Text is not { } text) return null;
        var towers = new LanguageImageEncoderModel(new LanguageImageEncoderSettings(image, text), texts, target => Copy(model, target), storage: null);
        towers.Prepare(device);
        towers.Prepare(CPU);
        return new Lease<LanguageImageEncoderModel>(towers);
    }

    private EncoderStart Start(EncodeImagesTransformer? previous, CaptionTokens tokens, Device device, int seed)
    {
        LanguageImagePretrainingOptions training = _options.Training;
        var memory = new TrainingMemory(device, training.AveragingDecay is not null);
        if (previous is not null) return EncoderStart.Copy(previous.Model, training, tokens, device, seed, memory);
        return _options.PretrainedFolder is { } folder
            ? EncoderStart.FromFolder(folder, training, _options.AspectRatio, tokens, device, seed, memory)
            : EncoderStart.Fresh(training, _options.AspectRatio, tokens, device, seed, memory);
    }

    private PrecisionChoice Train(LanguageImageModel model, CaptionSettings captions, CaptionTokens tokens, IDataView trainData, IDataView? validationData, Func<TrainingFingerprint> fingerprint, int seed, TrainingLog log)
    {
        using TrainingCheckpoints? checkpoints = log.Checkpoints(_options, fingerprint);
        using var trainer = new LanguageImagePretrainer(model, _options.Training with { Seed = seed }, tokens, checkpoints);
        log.Info(trainer.Precision);
        log.Begin(trainer.Precision, checkpoints, fingerprint);
        CaptionedImages? validation = validationData is null ? null : new CaptionedImages(validationData, captions);
        validation?.ReadAll(log.Cancellation);
        var rows = new CaptionedImages(trainData, captions);
        LanguageImageResult result = trainer.Train(rows.Endless(seed, checkpoints?.Next ?? default), step => Report(step, log), cancellationToken: log.Cancellation);
        rows.RequireSomethingToLearn();
        log.End(result.End, result.Steps);
        if (validation is not null && result.End != TrainingEnd.Cancelled) Validate(trainer, validation, log);
        return result.Precision;
    }

    /// <summary>What has to be the same where a checkpoint is gone on from.</summary>
    private TrainingFingerprint Fingerprint(IDataView trainData, EncodeImagesTransformer? previous, LanguageImageModel start, LanguageTokenizer tokenizer, int seed)
    {
        TrainingFingerprint fingerprint = new TrainingFingerprint("LanguageImagePretraining")
            .With(nameof(Options.ImageColumnName), _options.ImageColumnName)
            .With(nameof(Options.CaptionColumnName), _options.CaptionColumnName)
            .With(nameof(Options.AspectRatio), _options.AspectRatio)
            .WithRows(trainData.GetRowCount())
            .WithBytes(nameof(Options.Tokenizer), tokenizer.Files.Contents)
            .WithOptions(nameof(Options.Training), _options.Training with { Seed = seed });
        if (previous is not null) return fingerprint.WithWeights("Previous model", previous.Model.Parameters());
        return _options.PretrainedFolder is { } folder ? fingerprint.WithPretrained(folder, start) : fingerprint;
    }

    private void Validate(LanguageImagePretrainer trainer, CaptionedImages rows, TrainingLog log)
    {
        if (ValidationRows.TryEvaluate(rows.Once(), trainer.Evaluate, out LanguageImageScores? scores)) log.Info($"Validation: {scores}");
        else log.Warn(ValidationRows.Nothing($"a picture ({RowErrors.Columns(_options.ImageColumnName)})"));
    }

    private static void Report(LanguageImageProgress step, TrainingLog log)
        => log.Report(new TrainingStatus(step.Step, step.TotalSteps, step.Share, 1, step.Loss.Total, step.Loss.Caption ?? 0, step.Loss.Contrastive ?? 0, step.LearningRate, step.PicturesPerSecond, step.Elapsed) { GradientNorm = step.GradientNorm });

    // Without the captioning decoder and without the training's buffers; what a model does not ask for it does not get.
    private static CopiedParameters Copy(LanguageImageModel model, Device device) => new(model.EncoderParameters().ToDictionary(entry => entry.Name, entry => (Tensor)entry.Parameter), device);

    /// <summary>Options of <see cref="LanguageImagePretrainingTrainer"/>.</summary>
    public sealed class Options : ITrainingControl, ICheckpointOptions
    {
        /// <summary>The column of visual tokens that is appended.</summary>
        public string OutputColumnName { get; set; } = DefaultColumnNames.VisualTokens;

        /// <summary>The column of pictures: one a row.</summary>
        public string ImageColumnName { get; set; } = DefaultColumnNames.Image;

        /// <summary>The column of captions: text.</summary>
        public string CaptionColumnName { get; set; } = DefaultColumnNames.Caption;

        /// <summary>A published SigLIP or SigLIP 2 (NaFlex too) to go on from: a folder in Hugging Face layout, or the name (<c>org/name</c>) of one in the local Hugging Face cache. Null: from nothing.</summary>
        public string? PretrainedFolder { get; set; }

        /// <summary>The folder at which relative paths start. Null: the current folder of the process.</summary>
        public string? ImageFolder { get; set; }

        /// <summary>What becomes of a picture that is not square. Pictures of a SigLIP 2 NaFlex keep their shape: leave it then.</summary>
        public ImageAspectRatio AspectRatio { get; set; } = ImageAspectRatio.Square;

        /// <summary>The tokenizer of the captions. Null: that of <see cref="PretrainedFolder"/> where its text tower goes on learning (<see cref="LanguageImagePretrainingOptions.ContrastiveWeight"/> above 0); else one is trained from them.</summary>
        public LanguageTokenizer? Tokenizer { get; set; }

        /// <summary>How a tokenizer is trained from the captions. Null: the defaults.</summary>
        public BytePairTrainingOptions? TokenizerTraining { get; set; }

        /// <summary>Sizes, losses, batch size, learning rate and all else of the training. The seed of the <see cref="MLContext"/>, where it has one, stands for the seed here.</summary>
        public LanguageImagePretrainingOptions Training { get; set; } = new();

        /// <summary>Rows that the transformer reads ahead, 1 to 65,536. Default: 16.</summary>
        public int EncodingBatchSize { get; set; } = 16;

        /// <inheritdoc cref="AutoencoderTrainer.Options.CheckpointFolder"/>
        public string? CheckpointFolder { get; set; }

        /// <inheritdoc cref="AutoencoderTrainer.Options.CheckpointInterval"/>
        public int CheckpointInterval { get; set; } = 500;

        /// <inheritdoc cref="AutoencoderTrainer.Options.CheckpointCount"/>
        public int CheckpointCount { get; set; } = 2;

        /// <inheritdoc cref="VisualPredictiveInstructionTuningTrainer.Options.LogFolder"/>
        public string? LogFolder { get; set; }

        /// <summary>Whether a cancelled training gives the encoder as it stands. Default: false, it throws <see cref="OperationCanceledException"/>.</summary>
        public bool KeepCancelled { get; set; }

        /// <summary>Told after every step, on the training's thread. Null: nobody.</summary>
        public IProgress<TrainingStatus>? Progress { get; set; }

        /// <summary>Ends the training before its next step.</summary>
        public CancellationToken CancellationToken { get; set; }

        internal void Validate()
        {
            ArgumentException.ThrowIfNullOrEmpty(OutputColumnName);
            ArgumentException.ThrowIfNullOrEmpty(ImageColumnName);
            ArgumentException.ThrowIfNullOrEmpty(CaptionColumnName);
            ArgumentNullException.ThrowIfNull(Training);
            Training.Validate();
            OptionRange.Check(nameof(AspectRatio), AspectRatio);
            BatchSizes.Require(EncodingBatchSize, nameof(EncodingBatchSize));
            CheckpointSettings.Validate(this);
            if (LogFolder is { } folder) ArgumentException.ThrowIfNullOrWhiteSpace(folder, nameof(LogFolder));
        }
    }
}
