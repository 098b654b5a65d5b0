using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Trains an image encoder on pictures with captions: from nothing, or going on from a published SigLIP.</summary>
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
/// (arXiv 2303.15343). Decoder and text tower are let go afterwards; the trained encoder is `EncodeImagesTransformer.Encoder`.
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
    /// <exception cref="InvalidDataException">A row has no picture, or more than one.</exception>
    /// <exception cref="OperationCanceledException">The training was cancelled.</exception>
    public EncodeImagesTransformer Fit(IDataView input) => Fit(input, validationData: null);

    /// <summary>Trains on all rows and scores others at the end; the scores are logged.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="validationData">Rows that are not learned; null for none.</param>
    public EncodeImagesTransformer Fit(IDataView trainData, IDataView? validationData)
    {
        ArgumentNullException.ThrowIfNull(trainData);
        Check(trainData.Schema);
        if (validationData is not null) Check(validationData.Schema);
        using var log = new TrainingLog(_host, "TrainEncoder", _options.Progress, _options.CancellationToken);
        Device device = ComputeDevice.Choose(_environment);
        int seed = MLNetInternals.Settings(_environment).Seed ?? _options.Training.Seed;
        LanguageTokenizer tokenizer = _options.Tokenizer ?? LanguageTokenizer.Train(TextRows.Read(trainData, _options.CaptionColumnName), _options.TokenizerTraining);
        CaptionTokens tokens = Tokens(tokenizer);
        (LanguageImageModel model, ImagePreprocessorConfig preprocessing) = _options.PretrainedFolder is { } folder
            ? PretrainedEncoder.Open(folder, _options.Training, tokens, device, seed)
            : Fresh(tokens, device, seed);
        using LanguageImageModel owned = model;
        LanguageImageModelConfig config = model.Config;
        var settings = new ImageEncoderSettings(config.Vision, preprocessing with { AspectRatio = _options.AspectRatio }, config.Tokens, _options.Training.Precision);
        Train(model, settings, tokens, tokenizer, trainData, validationData, seed, log);
        var encoder = new ImageEncoderModel(settings, target => Copy(model, settings.Vision, target), storage: null);
        encoder.Prepare(device);
        var transformer = new EncodeImagesSettings(_options.OutputColumnName, [_options.ImageColumnName], _options.ImageFolder, _options.EncodingBatchSize);
        return new EncodeImagesTransformer(_environment, transformer, new Lease<ImageEncoderModel>(encoder));
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
        return SchemaShapes.Append(inputSchema, EncodeImagesTransformer.Output(_options.OutputColumnName, _options.Training.VisualTokenCount, _options.Training.Width));
    }

    private void Check(DataViewSchema schema)
    {
        ImageColumn.Require(schema, _options.ImageColumnName, EncodeImagesTransformer.Role);
        TextColumn.Require(schema, _options.CaptionColumnName, CaptionRole);
    }

    private static CaptionTokens Tokens(LanguageTokenizer tokenizer)
    {
        int end = tokenizer.EndOfSequenceId ?? throw new ArgumentException("The tokenizer names no end token (eos_token), which a caption needs at its end.");
        return new CaptionTokens(tokenizer.HighestId + 1, end, tokenizer.PaddingId ?? end);
    }

    private (LanguageImageModel Model, ImagePreprocessorConfig Preprocessing) Fresh(CaptionTokens tokens, Device device, int seed)
    {
        LanguageImageModelConfig config = LanguageImageModelConfig.Create(_options.Training, tokens);
        int size = config.Vision.ImageSize;
        return (LanguageImageModel.CreateFresh(config, device, seed), new ImagePreprocessorConfig { Height = size, Width = size });
    }

    private void Train(LanguageImageModel model, ImageEncoderSettings settings, CaptionTokens tokens, LanguageTokenizer tokenizer, IDataView trainData, IDataView? validationData, int seed, TrainingLog log)
    {
        using var trainer = new LanguageImagePretrainer(model, _options.Training with { Seed = seed }, tokens);
        log.Info($"Linear layers are computed in {trainer.Precision}.");
        CaptionedImages Source(IDataView data) => new(data, _options.ImageColumnName, _options.CaptionColumnName, _options.ImageFolder, settings.Preprocessing, tokenizer, _options.Training.BatchSize);
        LanguageImageResult result = trainer.Train(Source(trainData).Endless(seed), step => Report(step, log), cancellationToken: log.Cancellation);
        if (result.End == TrainingEnd.Cancelled && !_options.KeepCancelled) throw new OperationCanceledException($"The training was cancelled after {result.Steps} steps.", log.Cancellation);
        if (validationData is not null) log.Info($"Validation: {trainer.Evaluate(Source(validationData).Once())}");
        log.Info($"{result.End} after {result.Steps} steps.");
    }

    private static void Report(LanguageImageProgress step, TrainingLog log)
        => log.Report(new TrainingStatus(step.Step, step.TotalSteps, step.Share, 1, step.Loss.Total, step.Loss.Caption ?? 0, step.Loss.Contrastive ?? 0, step.LearningRate, step.PicturesPerSecond, step.Elapsed));

    // The tower alone, without its teachers and without the training's buffers.
    private static SiglipVisionModel Copy(LanguageImageModel model, SiglipVisionConfig vision, Device device)
        => new(vision, new CopiedParameters(model.EncoderParameters().ToDictionary(entry => entry.Name, entry => (Tensor)entry.Parameter), device));

    /// <summary>Options of <see cref="LanguageImagePretrainingTrainer"/>.</summary>
    public sealed class Options
    {
        /// <summary>The column of visual tokens that is appended.</summary>
        public string OutputColumnName { get; set; } = "VisualTokens";

        /// <summary>The column of pictures: one a row.</summary>
        public string ImageColumnName { get; set; } = "Image";

        /// <summary>The column of captions: text.</summary>
        public string CaptionColumnName { get; set; } = "Caption";

        /// <summary>A published SigLIP to go on from: a folder in Hugging Face layout, or the name (<c>org/name</c>) of one in the local Hugging Face cache. Null: from nothing.</summary>
        public string? PretrainedFolder { get; set; }

        /// <summary>The folder at which relative paths start. Null: the current folder of the process.</summary>
        public string? ImageFolder { get; set; }

        /// <summary>What becomes of a picture that is not square.</summary>
        public ImageAspectRatio AspectRatio { get; set; } = ImageAspectRatio.Square;

        /// <summary>The tokenizer of the captions. Null: one is trained from them.</summary>
        public LanguageTokenizer? Tokenizer { get; set; }

        /// <summary>How a tokenizer is trained from the captions. Null: the defaults.</summary>
        public BytePairTrainingOptions? TokenizerTraining { get; set; }

        /// <summary>Sizes, losses, batch size, learning rate and all else of the training. The seed of the <see cref="MLContext"/>, where it has one, stands for the seed here.</summary>
        public LanguageImagePretrainingOptions Training { get; set; } = new();

        /// <summary>Rows that the transformer reads ahead, at least 1. Default: 16.</summary>
        public int EncodingBatchSize { get; set; } = 16;

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
            if (EncodingBatchSize < 1) throw new ArgumentOutOfRangeException(nameof(EncodingBatchSize), EncodingBatchSize, $"{nameof(EncodingBatchSize)} is {EncodingBatchSize}; at least 1 is needed.");
        }
    }
}
