using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Trains a picture autoencoder, in whose latents a visualizer can denoise: from nothing, or going on from a published one.</summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Trainer Characteristics
/// |  |  |
/// | -- | -- |
/// | Machine learning task | Compression of pictures |
/// | Is normalization required? | No |
/// | Is caching required? | No; pictures are read anew each epoch |
/// | Input column data type | <xref:Microsoft.ML.Data.MLImage>, text (a path), vector of text (several paths) or vector of byte (an encoded picture) |
/// | Output column data type | <xref:Microsoft.ML.Data.MLImage>; <xref:System.Single> |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
///
/// ### Training Algorithm Details
/// A picture becomes a normal distribution over small latents, one is drawn and decoded, and the weighted squared and absolute errors of the
/// decoded picture and the divergence of the distribution from the standard normal one are lowered (a variational autoencoder, arXiv 1312.6114,
/// of the shape of Stable Diffusion's, arXiv 2112.10752; without perceptual and adversarial losses). At the end 1 / the standard deviation of
/// the latents of training pictures becomes the scaling factor. The trained autoencoder is `AutoencodeImagesTransformer.Autoencoder`; the
/// transformer itself gives each row's first picture back, with the mean squared error of its values from 0 to 1 (missing where there is no picture).
/// ]]></format>
/// </remarks>
public sealed class AutoencoderTrainer : IEstimator<AutoencodeImagesTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly IHost _host;
    private readonly Options _options;

    internal AutoencoderTrainer(IHostEnvironment environment, Options options)
    {
        options.Validate();
        _environment = environment;
        _host = environment.Register(nameof(AutoencoderTrainer));
        _options = options;
    }

    /// <summary>Trains on all rows.</summary>
    /// <param name="input">The rows of pictures.</param>
    /// <returns>The trained autoencoder as a transformer.</returns>
    /// <exception cref="ArgumentException">The column is missing or of another type.</exception>
    /// <exception cref="InvalidDataException">A picture cannot be read, there are none, a folder does not fit, or <see cref="Options.CheckpointFolder"/> holds another training.</exception>
    /// <exception cref="IOException">A checkpoint cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The training was cancelled.</exception>
    /// <exception cref="InsufficientMemoryException">Weights, gradients and moments need more memory than there is; told before anything is loaded.</exception>
    public AutoencodeImagesTransformer Fit(IDataView input) => Fit(input, validationData: null, previousModel: null);

    /// <summary>
    /// Trains on all rows and looks at others, now and then (<see cref="Options.ValidationInterval"/>) and at the end: their losses are logged, and what
    /// comes back of their pictures is shown where a folder is given (<see cref="Options.ValidationFolder"/>).
    /// </summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="validationData">Rows that are not learned; at least one.</param>
    public AutoencodeImagesTransformer Fit(IDataView trainData, IDataView validationData) => Fit(trainData, validationData, previousModel: null);

    /// <summary>Goes on training an autoencoder; that one stays as it is. Its sizes and weights are the start, whatever the options say.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="previousModel">The autoencoder to start from.</param>
    public AutoencodeImagesTransformer Fit(IDataView trainData, AutoencodeImagesTransformer previousModel)
    {
        ArgumentNullException.ThrowIfNull(previousModel);
        return Fit(trainData, validationData: null, previousModel);
    }

    /// <summary>Trains on all rows, looks at others, and starts from an autoencoder; each of the last two may be null.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="validationData">Rows that are not learned; null for none. No row at all is an error, told before the training; rows with nothing to evaluate are a warning in the log.</param>
    /// <param name="previousModel">The autoencoder to start from; null for what the options say.</param>
    public AutoencodeImagesTransformer Fit(IDataView trainData, IDataView? validationData, AutoencodeImagesTransformer? previousModel)
    {
        ArgumentNullException.ThrowIfNull(trainData);
        ImageColumn.Require(trainData.Schema, _options.ImageColumnName, EncodeImagesTransformer.Role);
        if (validationData is not null) ImageColumn.Require(validationData.Schema, _options.ImageColumnName, EncodeImagesTransformer.Role);
        ValidationRows.Require(validationData);
        using var log = new TrainingLog(_host, "TrainAutoencoder", _options);
        Device device = ComputeDevice.Choose(_environment);
        int seed = MLNetInternals.Settings(_environment).Seed ?? _options.Training.Seed;
        AutoencoderKL start = Start(previousModel, device, seed);
        try
        {
            Train(start, device, trainData, validationData, () => Fingerprint(trainData, previousModel, start, seed), seed, log);
            var model = new AutoencoderModel(start.Config, _options.Training.Precision, target => target.ToString() == device.ToString() ? start : Moved(start, target), storage: null);
            // The trained model belongs to the transformer from here on.
            model.Prepare(device);
            return new AutoencodeImagesTransformer(_environment, _options.ToSettings(), new Lease<AutoencoderModel>(model));
        }
        catch
        {
            start.Dispose();
            throw;
        }
    }

    /// <summary>The schema after the transformer.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns, the picture, and its error if asked for.</returns>
    /// <exception cref="ArgumentException">The column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        ImageColumn.Require(inputSchema, _options.ImageColumnName, EncodeImagesTransformer.Role);
        return SchemaShapes.Append(inputSchema, AutoencodeImagesTransformer.Outputs(_options.ToSettings(), _options.ImageSize ?? (_options.PretrainedFolder is null ? _options.Architecture.ImageSize : null)));
    }

    private AutoencoderKL Start(AutoencodeImagesTransformer? previous, Device device, int seed)
    {
        var memory = new TrainingMemory(device, _options.Training.AveragingDecay is not null);
        if (previous is not null) return TrainableAutoencoder.Copy(previous.Model, _options.ImageSize, memory, device);
        return _options.PretrainedFolder is { } folder
            ? TrainableAutoencoder.FromFolder(folder, _options.Variant, _options.ImageSize, memory, device)
            : TrainableAutoencoder.Fresh(_options.FreshArchitecture.ToConfig(), memory, device, seed);
    }

    private void Train(AutoencoderKL model, Device device, IDataView trainData, IDataView? validationData, Func<TrainingFingerprint> fingerprint, int seed, TrainingLog log)
    {
        AutoencoderTrainingOptions training = _options.Training with { Seed = seed };
        var settings = new PictureSettings([_options.ImageColumnName], _options.ImageFolder, AutoencoderModel.SizeOf(model.Config), _options.AspectRatio, training.BatchSize);
        var pictures = new TrainingPictures(trainData, settings);
        using TrainingCheckpoints? checkpoints = log.Checkpoints(_options, fingerprint);
        using var trainer = new AutoencoderKLTrainer(model, device, training, checkpoints);
        log.Info($"Linear layers and convolutions are computed in {trainer.Precision}.");
        log.Begin(trainer.Precision, checkpoints, fingerprint);
        ValidationSettings watched = _options.ToValidation();
        AutoencoderValidation? validation = null;
        if (validationData is not null)
        {
            var unlearnt = new TrainingPictures(validationData, settings);
            ValidationRows.ReadAll(unlearnt.Once(), log.Cancellation);
            validation = new AutoencoderValidation(model, device, trainer, unlearnt, watched);
        }

        AutoencoderResult result = trainer.Train(pictures.EndlessBatches(seed, checkpoints?.Next ?? default), step => Report(step, validation, watched, log), cancellationToken: log.Cancellation);
        log.End(result.End, result.Steps);
        // A validation after the last step was made already, and whoever cancels does not wait for one.
        if (validation is not null && result.End != TrainingEnd.Cancelled && validation.LastStep != result.Steps) Validate(validation, result.Steps, "", log);
        model.SetScalingFactor(trainer.MeasureScalingFactor(pictures.SomeBatches(seed, training.ScalingPictures)));
        log.Info(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Latents are scaled by {model.Config.ScalingFactor:G5} to vary by 1."));
    }

    /// <summary>What has to be the same where a checkpoint is gone on from.</summary>
    private TrainingFingerprint Fingerprint(IDataView trainData, AutoencodeImagesTransformer? previous, AutoencoderKL start, int seed)
    {
        TrainingFingerprint fingerprint = new TrainingFingerprint("Autoencoder")
            .With(nameof(Options.ImageColumnName), _options.ImageColumnName)
            .With(nameof(Options.ImageSize), _options.ImageSize)
            .With(nameof(Options.AspectRatio), _options.AspectRatio)
            .WithRows(trainData.GetRowCount())
            .WithOptions(nameof(Options.Training), _options.Training with { Seed = seed }, nameof(AutoencoderTrainingOptions.PicturesAtATime), nameof(AutoencoderTrainingOptions.ScalingPictures));
        if (previous is not null) return fingerprint.WithWeights("Previous model", previous.Model.Parameters()).WithConfig("Previous model", start.Config.Write);
        return _options.PretrainedFolder is { } folder
            ? fingerprint.WithPretrained(folder, start).WithConfig("Model of PretrainedFolder", start.Config.Write).With(nameof(Options.Variant), _options.Variant)
            : fingerprint.WithOptions(nameof(Options.Architecture), _options.FreshArchitecture);
    }

    private AutoencoderLosses? Validate(AutoencoderValidation validation, long step, string when, TrainingLog log)
    {
        AutoencoderLosses? losses = validation.Run(step);
        if (losses is { } value)
        {
            log.Info($"Validation{when}: {value}.");
            log.Figure("validation loss", value.Total);
        }
        else log.Warn(ValidationRows.Nothing($"a picture ({RowErrors.Columns(_options.ImageColumnName)})"));
        return losses;
    }

    private void Report(AutoencoderProgress step, AutoencoderValidation? validation, ValidationSettings watched, TrainingLog log)
    {
        AutoencoderLosses losses = step.Losses;
        watched.Board?.AddStep(step, losses.Total);
        AutoencoderLosses? validated = validation is not null && watched.IsDue(step.Step) ? Validate(validation, step.Step, string.Create(System.Globalization.CultureInfo.InvariantCulture, $" after step {step.Step}"), log) : null;
        double error = _options.Training.SquaredErrorWeight * losses.SquaredError + _options.Training.AbsoluteErrorWeight * losses.AbsoluteError;
        log.Report(new TrainingStatus(step.Step, step.TotalSteps, step.Share, 1, losses.Total, 0, error, step.LearningRate, step.PicturesPerSecond, step.Elapsed, validated?.Total) { GradientNorm = step.GradientNorm });
    }

    private static AutoencoderKL Moved(AutoencoderKL model, Device target)
        => new(model.Config, new CopiedParameters(model.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter), target));

    /// <summary>Options of <see cref="AutoencoderTrainer"/>.</summary>
    public sealed class Options : ITrainingControl, ICheckpointOptions
    {
        /// <summary>The column of pictures that the trained transformer appends: what the autoencoder gives back.</summary>
        public string OutputColumnName { get; set; } = "Reconstruction";

        /// <summary>The column of errors that the trained transformer appends: the mean squared difference of values from 0 to 1, missing (NaN) where a row has no picture. Null: none.</summary>
        public string? ErrorColumnName { get; set; } = "ReconstructionError";

        /// <summary>The column of pictures to learn from. A row of several pictures teaches all of them; the transformer gives the first one back.</summary>
        public string ImageColumnName { get; set; } = DefaultColumnNames.Image;

        /// <summary>
        /// Where training starts: a diffusers folder with a <c>vae</c>, or that folder itself; or the name (<c>org/name</c>) of a model in the local
        /// Hugging Face cache. Null (default): from nothing, with <see cref="Architecture"/>.
        /// </summary>
        public string? PretrainedFolder { get; set; }

        /// <summary>Which of several stored precisions is read from <see cref="PretrainedFolder"/>, such as <c>fp16</c>. Null (default): the files without one in their names.</summary>
        public string? Variant { get; set; }

        /// <summary>The sizes of an autoencoder that starts from nothing.</summary>
        public AutoencoderArchitecture Architecture { get; set; } = new();

        /// <summary>Height and width in pixels to which pictures are brought. Null (default): what the autoencoder was trained with, or <see cref="AutoencoderArchitecture.ImageSize"/>.</summary>
        public int? ImageSize { get; set; }

        /// <summary>The folder at which relative paths start. Null: the current folder of the process. It is saved with the model.</summary>
        public string? ImageFolder { get; set; }

        /// <summary>What becomes of a picture that is not square.</summary>
        public ImageAspectRatio AspectRatio { get; set; } = ImageAspectRatio.Square;

        /// <summary>Losses, batch size, learning rate and all else of the training. The seed of the <see cref="MLContext"/>, where it has one, stands for the seed here.</summary>
        public AutoencoderTrainingOptions Training { get; set; } = new();

        /// <summary>Rows that the transformer reads ahead and computes at a time, 1 to 65,536. Default: 8.</summary>
        public int ReconstructionBatchSize { get; set; } = 8;

        /// <summary>Steps between two validations, at least 1, where <see cref="Fit(IDataView, IDataView)"/> is given validation rows. Null (default): one at the end.</summary>
        public int? ValidationInterval { get; set; }

        /// <summary>
        /// The folder for a picture of each validation, <c>step-000200.png</c>: validation pictures, each with what the autoencoder gives back of it on
        /// its right. It is made where it does not exist; files of the same names are replaced. Null (default): <see cref="TensorBoardFolder"/>, or none.
        /// </summary>
        public string? ValidationFolder { get; set; }

        /// <summary>Validation pictures that a sheet shows, at least 1: the first ones. Default: 8.</summary>
        public int ValidationPictures { get; set; } = 8;

        /// <summary>The folder for an event file of TensorBoard with losses, learning rate and validation pictures; one training, one folder. Null (default): none.</summary>
        public string? TensorBoardFolder { get; set; }

        /// <summary>
        /// The folder for checkpoints, one training at a time. <c>Fit</c> with the same folder goes on from the last whole one, and ends with the
        /// weights of a training that was never stopped: bit for bit on the same machine, without a budget of time. Where the training was finished,
        /// its model is there at once. Options, numbers of rows or start that are not those of the checkpoint are refused. Null (default): none are written.
        /// </summary>
        public string? CheckpointFolder { get; set; }

        /// <summary>Steps between two checkpoints, at least 1, where <see cref="CheckpointFolder"/> is given; one more is written at the end and after a cancellation. Default: 500.</summary>
        public int CheckpointInterval { get; set; } = 500;

        /// <summary>Checkpoints that are kept, at least 1: the newest. Default: 2.</summary>
        public int CheckpointCount { get; set; } = 2;

        /// <inheritdoc cref="VisualPredictiveInstructionTuningTrainer.Options.LogFolder"/>
        public string? LogFolder { get; set; }

        /// <summary>Whether a cancelled training gives the autoencoder as it stands. Default: false, it throws <see cref="OperationCanceledException"/>.</summary>
        public bool KeepCancelled { get; set; }

        /// <summary>Told after every step, on the training's thread. Null: nobody.</summary>
        public IProgress<TrainingStatus>? Progress { get; set; }

        /// <summary>Ends the training before its next step.</summary>
        public CancellationToken CancellationToken { get; set; }

        internal AutoencoderArchitecture FreshArchitecture => ImageSize is { } size ? Architecture with { ImageSize = size } : Architecture;

        internal void Validate()
        {
            ArgumentNullException.ThrowIfNull(Architecture);
            ArgumentNullException.ThrowIfNull(Training);
            ValidationSettings.Validate(ValidationInterval, ValidationPictures);
            CheckpointSettings.Validate(this);
            if (LogFolder is { } folder) ArgumentException.ThrowIfNullOrWhiteSpace(folder, nameof(LogFolder));
            if (PretrainedFolder is null && Variant is not null) throw new ArgumentException($"{nameof(Variant)} is {Variant}, but there is no {nameof(PretrainedFolder)} that it belongs to. Give one, or leave {nameof(Variant)} out.");
            Training.Validate();
            ToSettings().Validate(SettingNames.Options((nameof(AutoencodeImagesSettings.InputColumnName), nameof(ImageColumnName)), (nameof(AutoencodeImagesSettings.BatchSize), nameof(ReconstructionBatchSize))));
            if (ImageSize < 1) throw new ArgumentOutOfRangeException(nameof(ImageSize), ImageSize, $"{nameof(ImageSize)} is {ImageSize}; at least 1 is needed.");
            if (PretrainedFolder is null) FreshArchitecture.ToConfig();
        }

        internal ValidationSettings ToValidation() => ValidationSettings.Of(ValidationInterval, ValidationPictures, ValidationFolder, TensorBoardFolder);

        internal AutoencodeImagesSettings ToSettings()
            => new(OutputColumnName, ErrorColumnName, ImageColumnName, ImageFolder, AspectRatio, ReconstructionBatchSize, Training.Precision);
    }
}
