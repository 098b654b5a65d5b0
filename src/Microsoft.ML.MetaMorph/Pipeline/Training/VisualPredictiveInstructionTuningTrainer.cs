using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Visual-Predictive Instruction Tuning (arXiv 2412.14164): a language model learns to answer with words and with visual tokens.
/// </summary>
/// <remarks>
/// <format type="text/markdown"><![CDATA[
/// ### Trainer Characteristics
/// |  |  |
/// | -- | -- |
/// | Machine learning task | Generation of text and pictures |
/// | Is normalization required? | No |
/// | Is caching required? | Recommended behind `EncodeImages`: every epoch reads the rows again |
/// | Input column data type | Text, or vector of text (several turns), for prompts and responses; vector of <xref:System.Single> with the dimensions [pictures, N, D] |
/// | Output column data type | Text; vector of <xref:System.Single> with the dimensions [pictures, N, D]; if asked for, text (errors) and vector of <xref:System.Single> (log-probabilities) |
/// | Required NuGet in addition to Microsoft.ML | Microsoft.ML.MetaMorph and one of TorchSharp-cpu, TorchSharp-cuda-linux, TorchSharp-cuda-windows |
/// | Exportable to ONNX | No |
///
/// ### Training Algorithm Details
/// Each `<image>` mark becomes `<image_start>`, the picture's N projected visual tokens, and `<image_end>`. What the response says is
/// learned: its text by cross-entropy, its pictures by the cosine similarity of the predicted visual tokens. Stage 1
/// (`VisualPredictiveStage.ConnectorPretraining`) moves projector and input embedding (with tied embeddings the output moves along), stage 2
/// everything but the image encoder. The start is a pretrained folder (a MetaMorph, or a language model, which gets two tokens, a
/// projector and a vision head) or nothing at all: an architecture, and a tokenizer that is given or trained from the rows.
/// ]]></format>
/// </remarks>
public sealed class VisualPredictiveInstructionTuningTrainer : IEstimator<MetaMorphTransformer>
{
    private readonly IHostEnvironment _environment;
    private readonly IHost _host;
    private readonly Options _options;
    private readonly MetaMorphSettings _settings;

    internal VisualPredictiveInstructionTuningTrainer(IHostEnvironment environment, Options options)
    {
        options.Validate();
        _environment = environment;
        _host = environment.Register(nameof(VisualPredictiveInstructionTuningTrainer));
        _options = options;
        _settings = options.ToSettings(options.Training.Precision);
    }

    /// <summary>Trains on all rows.</summary>
    /// <param name="input">The rows.</param>
    /// <returns>The trained model as a transformer.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidDataException">A row cannot be learned (see <see cref="Options.SkipBadRows"/>), no row has anything to learn within <see cref="Options.MaximumLength"/>, a folder does not fit, or <see cref="Options.CheckpointFolder"/> holds another training.</exception>
    /// <exception cref="IOException">A checkpoint cannot be written.</exception>
    /// <exception cref="OperationCanceledException">The training was cancelled.</exception>
    /// <exception cref="InsufficientMemoryException">Weights, gradients and moments need more memory than there is; told before anything is loaded.</exception>
    public MetaMorphTransformer Fit(IDataView input) => Fit(input, validationData: null, previousModel: null);

    /// <summary>Trains on all rows and evaluates the loss on others, now and then (<see cref="VisualPredictiveTrainingOptions.ValidationInterval"/>) and at the end; it is logged.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="validationData">Rows that are not learned; at least one.</param>
    public MetaMorphTransformer Fit(IDataView trainData, IDataView validationData) => Fit(trainData, validationData, previousModel: null);

    /// <summary>Goes on training a model; that one stays as it is. Its tokenizer, sizes and weights are the start, whatever the options say.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="previousModel">The model to start from.</param>
    public MetaMorphTransformer Fit(IDataView trainData, MetaMorphTransformer previousModel)
    {
        ArgumentNullException.ThrowIfNull(previousModel);
        return Fit(trainData, validationData: null, previousModel);
    }

    /// <summary>Trains on all rows, evaluates on others, and starts from a model; each of the last two may be null.</summary>
    /// <inheritdoc cref="Fit(IDataView)"/>
    /// <param name="trainData">The rows.</param>
    /// <param name="validationData">Rows that are not learned; null for none. No row at all is an error, told before the training; rows with nothing to evaluate are a warning in the log.</param>
    /// <param name="previousModel">The model to start from; null for what the options say.</param>
    public MetaMorphTransformer Fit(IDataView trainData, IDataView? validationData, MetaMorphTransformer? previousModel)
    {
        ArgumentNullException.ThrowIfNull(trainData);
        VisualTokenSizes? tokens = Check(trainData.Schema);
        if (validationData is not null && Check(validationData.Schema) is { } other && other != tokens)
            throw new ArgumentException($"The validation rows have {other.Count} visual tokens a picture, each {other.Width} wide; the training rows {tokens!.Value.Count}, each {tokens.Value.Width} wide.", nameof(validationData));
        ValidationRows.Require(validationData);
        if (validationData is null && _options.SampleAnswers > 0) throw new ArgumentException($"{nameof(Options.SampleAnswers)} is {_options.SampleAnswers}, but there are no validation rows. Give Fit validation rows, or leave the option out.", nameof(validationData));
        if (validationData is null && _options.Training.WatchesValidation) throw new ArgumentException(_options.Training.NoValidation, nameof(validationData));
        using var log = new TrainingLog(_host, "Train", _options);
        EnvironmentSettings settings = MLNetInternals.Settings(_environment);
        int seed = settings.Seed ?? _options.Training.Seed;
        Device device = ComputeDevice.Choose(_environment);
        LanguageTokenizer? tokenizer = Tokenizer(trainData, previousModel, log);
        TrainingPlan plan = Plan(Describe(previousModel, tokenizer, tokens), trainData, device, seed);
        log.Info($"The plan of this training:\n{plan}");
        plan.RequireMemory();
        if (plan.Shortage is { } shortage) log.Warn(shortage);
        TrainableModel start = Start(previousModel, tokenizer, tokens, device, seed);
        try
        {
            ResponseGenerator.RequireRoom(_settings.Generation, start.Model.Config.VisualTokenCount);
            TrainingResult result = Train(start, trainData, plan.Rows, validationData, seed, () => Fingerprint(trainData, validationData, previousModel, start, seed), log);
            var model = new ResponseModel(start.Model, start.Text, _options.Training.Precision, start.Storage);
            return new MetaMorphTransformer(_environment, _settings with { TrainedIn = result.Precision.ToString() }, new Lease<ResponseModel>(model));
        }
        catch
        {
            start.Dispose();
            throw;
        }
    }

    /// <summary>What a training on these rows would be: what learns, how long it is, what it takes. No weight is loaded and no picture is read, unless a step is measured.</summary>
    /// <param name="trainData">The rows; the texts of the first thousand are read (all, where a tokenizer is trained from them).</param>
    /// <param name="previousModel">The model to start from; null for what the options say.</param>
    /// <param name="measureStep">Whether the model is loaded and learns two steps, of which the second is timed. Default: false.</param>
    /// <returns>The plan; its text is also the first thing that every training logs.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    /// <exception cref="InvalidDataException">A text cannot be learned, or a folder does not fit.</exception>
    public TrainingPlan Plan(IDataView trainData, MetaMorphTransformer? previousModel = null, bool measureStep = false)
    {
        ArgumentNullException.ThrowIfNull(trainData);
        VisualTokenSizes? tokens = Check(trainData.Schema);
        using var log = new TrainingLog(_host, "Plan", _options);
        Device device = ComputeDevice.Choose(_environment);
        int seed = MLNetInternals.Settings(_environment).Seed ?? _options.Training.Seed;
        LanguageTokenizer? tokenizer = Tokenizer(trainData, previousModel, log);
        TrainingPlan plan = Plan(Describe(previousModel, tokenizer, tokens), trainData, device, seed);
        if (measureStep)
        {
            plan.RequireMemory();
            using TrainableModel start = Start(previousModel, tokenizer, tokens, device, seed);
            plan.SecondsPerStep = SecondsPerStep(start, trainData, plan.Rows, seed, log);
        }

        return plan;
    }

    /// <summary>The schema after the transformer.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns and those of the response.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        MetaMorphTransformer.Require(inputSchema, _settings);
        TextColumn.Require(inputSchema, _settings.ResponseColumnName!, MetaMorphTransformer.ResponseRole);
        if (_settings.ResponseVisualTokensColumnName is { } tokens) VisualTokensColumn.Require(inputSchema, tokens, MetaMorphTransformer.ResponseVisualTokensRole);
        // The shape of a vector does not tell its dimensions.
        return SchemaShapes.Append(inputSchema, [.. MetaMorphTransformer.Outputs(_settings, count: 1, width: 1).Select(output => output.Column)]);
    }

    /// <summary>The sizes of the rows' visual tokens; null where they have no pictures.</summary>
    private VisualTokenSizes? Check(DataViewSchema schema)
    {
        TextColumn.Require(schema, _settings.PromptColumnName, MetaMorphTransformer.PromptRole);
        TextColumn.Require(schema, _settings.ResponseColumnName!, MetaMorphTransformer.ResponseRole);
        VisualTokenSizes? prompts = Sizes(schema, _settings.VisualTokensColumnName, MetaMorphTransformer.VisualTokensRole);
        VisualTokenSizes? responses = Sizes(schema, _settings.ResponseVisualTokensColumnName, MetaMorphTransformer.ResponseVisualTokensRole);
        if (prompts is { } first && responses is { } second && first != second)
            throw new ArgumentException($"The column '{_settings.VisualTokensColumnName}' holds {first.Count} tokens a picture, each {first.Width} wide, but '{_settings.ResponseVisualTokensColumnName}' {second.Count}, each {second.Width} wide. Encode the pictures of prompts and responses with one encoder.");
        return prompts ?? responses;
    }

    private static VisualTokenSizes? Sizes(DataViewSchema schema, string? name, string role)
    {
        if (name is null) return null;
        return VisualTokensColumn.Dimensions(schema, name, role) is var (count, width)
            ? new VisualTokenSizes(count, width)
            : throw ColumnErrors.WrongType(name, role, schema[name].Type.ToString()!, "Vector<Single> with the dimensions [pictures, tokens, width], as EncodeImages gives it,");
    }

    private LanguageModelArchitecture Architecture => _options.Architecture ?? new LanguageModelArchitecture();

    /// <summary>The tokenizer of a model that starts from nothing; null where it starts from one.</summary>
    private LanguageTokenizer? Tokenizer(IDataView data, MetaMorphTransformer? previous, TrainingLog log)
        => previous is not null || _options.PretrainedFolder is not null ? null : ConversationText.WithTemplate(_options.Tokenizer ?? TrainTokenizer(data, log), _options.ChatTemplate);

    /// <summary>What will be trained, before anything is made or loaded.</summary>
    private TrainingStart Describe(MetaMorphTransformer? previous, LanguageTokenizer? tokenizer, VisualTokenSizes? tokens)
    {
        if (previous is not null) return TrainingStart.Copy(previous.Model);
        if (tokenizer is not null) return TrainingStart.Fresh(TrainableModel.Describe(Architecture, tokenizer, tokens));
        string folder = PretrainedFolder.Resolve(_options.PretrainedFolder!);
        return TrainingStart.FromFolder(folder, TrainableModel.Describe(folder, _options.ChatTemplate, Architecture, tokens));
    }

    private TrainingPlan Plan(TrainingStart start, IDataView data, Device device, int seed)
    {
        VisualPredictiveTrainingOptions training = _options.Training with { Seed = seed };
        int longest = Math.Min(_options.MaximumLength, start.Config.Language.MaxPositions);
        ConversationLengths lengths = ConversationLengths.Of(data, _settings, start.Text.Encoder, start.Config.VisualTokenCount, longest, _options.SkipBadRows);
        return TrainingPlan.Of(start, training, _options, lengths, ConversationLengths.Count(data), device);
    }

    private double SecondsPerStep(TrainableModel start, IDataView data, long count, int seed, TrainingLog log)
    {
        VisualPredictiveTrainingOptions two = _options.Training with { Seed = seed, MaximumSteps = 2, MaximumSeconds = null, Epochs = null, ValidationInterval = null, EarlyStoppingPatience = null, KeepBestWeights = false };
        using var trainer = new VisualPredictiveTrainer(start.Model, two);
        int longest = Math.Min(_options.MaximumLength, start.Model.Config.Language.MaxPositions);
        var rows = new ConversationSource(data, _settings, start.Text.Encoder, start.Model.Config, longest, _options.SkipBadRows, log.Warn, count);
        var ends = new List<TimeSpan>();
        trainer.Train(rows, progress: step => ends.Add(step.Elapsed), cancellationToken: log.Cancellation);
        return ends is [var first, var second] ? (second - first).TotalSeconds : throw new OperationCanceledException("The step was not measured: the plan was cancelled.", log.Cancellation);
    }

    private TrainableModel Start(MetaMorphTransformer? previous, LanguageTokenizer? tokenizer, VisualTokenSizes? tokens, Device device, int seed)
    {
        if (previous is not null) return TrainableModel.Copy(previous.Hold, tokens, device, _options.Training.LowRank);
        if (tokenizer is null) return TrainableModel.FromFolder(_options.PretrainedFolder!, _options.ChatTemplate, Architecture, tokens, device, seed, _options.Training.LowRank);
        if (_options.Training.LowRank is not null) throw new ArgumentException($"{nameof(VisualPredictiveTrainingOptions.LowRank)} adapts a model that has learned already, and this one would start from nothing. Give {nameof(Options.PretrainedFolder)}, or Fit a previous model.");
        return TrainableModel.Fresh(Architecture, tokenizer, tokens, device, seed);
    }

    private LanguageTokenizer TrainTokenizer(IDataView data, TrainingLog log)
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(TextRows.Read(data, _settings.PromptColumnName, _settings.ResponseColumnName!), _options.TokenizerTraining);
        log.Info($"A tokenizer of {tokenizer.VocabularySize} tokens was trained from the columns '{_settings.PromptColumnName}' and '{_settings.ResponseColumnName}'.");
        return tokenizer;
    }

    private TrainingResult Train(TrainableModel start, IDataView trainData, long count, IDataView? validationData, int seed, Func<TrainingFingerprint> fingerprint, TrainingLog log)
    {
        VisualPredictiveTrainingOptions training = _options.Training with { Seed = seed };
        using TrainingCheckpoints? checkpoints = log.Checkpoints(_options, fingerprint);
        using var trainer = new VisualPredictiveTrainer(start.Model, training, checkpoints);
        log.Info(trainer.Precision);
        log.Begin(trainer.Precision, checkpoints, fingerprint);
        int longest = LongestRow(start.Model.Config.Language, log);
        ConversationSource Source(IDataView data, long? counted = null) => new(data, _settings, start.Text.Encoder, start.Model.Config, longest, _options.SkipBadRows, log.Warn, counted);
        ConversationSource rows = Source(trainData, count);
        ConversationSource? validation = validationData is null ? null : Source(validationData);
        validation?.MayTeachNothing();
        if (validation is not null) ValidationRows.ReadAll(validation.Rows(null), log.Cancellation);
        SampleAnswers? samples = _options.SampleAnswers == 0 || validationData is null ? null : new SampleAnswers(validationData, _settings, start, _options.SampleAnswers, seed, _options.SkipBadRows);
        long answered = 0;
        TrainingResult result = trainer.Train(rows, validation, step =>
        {
            Report(step, training, log);
            if (samples is null || step.Validation is null) return;
            // With the weights that were evaluated.
            trainer.Optimizer.WithAverages(() => log.Answers(samples.At(step.Step)));
            answered = step.Step;
        }, cancellationToken: log.Cancellation);
        // The model may end with the best weights instead of the last.
        if (samples is not null && result.End != TrainingEnd.Cancelled && (answered != result.Steps || training.KeepBestWeights)) log.Answers(samples.At(result.Steps));
        if (Evaluated(result.Validation) is { } losses)
        {
            log.Info($"Validation: language {losses.Language:F4}, visual {losses.Visual:F4}.");
            log.Figure("validation language loss", losses.Language);
            log.Figure("validation visual loss", losses.Visual);
        }
        else if (result.Validation is not null) log.Warn(ValidationRows.Nothing("anything to learn"));
        log.End(result.End, result.Steps);
        return result;
    }

    /// <summary>What has to be the same where a checkpoint is gone on from.</summary>
    private TrainingFingerprint Fingerprint(IDataView trainData, IDataView? validationData, MetaMorphTransformer? previous, TrainableModel start, int seed)
    {
        TrainingFingerprint fingerprint = new TrainingFingerprint("VisualPredictiveInstructionTuning")
            .With(nameof(Options.PromptColumnName), _settings.PromptColumnName)
            .With(nameof(Options.ResponseColumnName), _settings.ResponseColumnName)
            .With(nameof(Options.VisualTokensColumnName), _settings.VisualTokensColumnName)
            .With(nameof(Options.ResponseVisualTokensColumnName), _settings.ResponseVisualTokensColumnName)
            .With(nameof(Options.SystemMessage), _settings.SystemMessage)
            .With(nameof(Options.MaximumLength), _options.MaximumLength)
            .With(nameof(Options.SkipBadRows), _options.SkipBadRows)
            .With("Visual tokens of a picture", $"{start.Model.Config.VisualTokenCount} of width {start.Model.Config.VisualTokenWidth}")
            .WithRows(trainData.GetRowCount())
            .WithBytes("Tokenizer and chat template", start.Text.Tokenizer.Files.Contents)
            .WithOptions(nameof(Options.Training), _options.Training with { Seed = seed }, _options.Training.Free);
        // A text that cannot be read is an error here, and none in a training that passes over such rows.
        if (!_options.SkipBadRows)
        {
            fingerprint.WithTexts("First texts", TextRows.Read(trainData, _settings.PromptColumnName, _settings.ResponseColumnName!));
            if (_options.Training.WatchesValidation) fingerprint.WithTexts("First validation texts", TextRows.Read(validationData!, _settings.PromptColumnName, _settings.ResponseColumnName!));
        }

        if (previous is not null) return fingerprint.WithWeights("Previous model", previous.Model.Parameters());
        return _options.PretrainedFolder is { } folder ? fingerprint.WithPretrained(folder, start.Model) : fingerprint.WithOptions(nameof(Options.Architecture), Architecture);
    }

    // Behind its last position a model answers nothing, so there is nothing to learn there either.
    private int LongestRow(LanguageModelConfig language, TrainingLog log)
    {
        if (_options.MaximumLength <= language.MaxPositions) return _options.MaximumLength;
        log.Warn($"{nameof(Options.MaximumLength)} is {_options.MaximumLength}, but the model has {language.MaxPositions} positions (max_position_embeddings); rows longer than those are cut.");
        return language.MaxPositions;
    }

    /// <summary>Losses over at least one token; else there is no figure.</summary>
    private static LossParts? Evaluated(LossParts? losses) => losses is { LanguageCount: 0, VisualCount: 0 } ? null : losses;

    private static void Report(TrainingProgress step, VisualPredictiveTrainingOptions training, TrainingLog log)
    {
        double coefficient = training.Stage == VisualPredictiveStage.InstructionTuning ? training.VisionCoefficient : 0;
        log.Report(new TrainingStatus(step.Step, step.TotalSteps, step.Share, step.Epoch, step.TotalLoss, step.Loss.Language, step.Loss.Visual, step.LearningRate, step.TokensPerSecond, step.Elapsed, Evaluated(step.Validation)?.Total(coefficient)) { GradientNorm = step.GradientNorm });
        if (Evaluated(step.Validation) is { } losses) log.Info($"Step {step.Step}, validation: language {losses.Language:F4}, visual {losses.Visual:F4}.");
    }

    /// <summary>Options of <see cref="VisualPredictiveInstructionTuningTrainer"/>.</summary>
    public sealed class Options : ResponseColumns, ITrainingControl, ICheckpointOptions
    {
        /// <summary>
        /// Where training starts: a folder in Hugging Face layout with a MetaMorph or a language model (Llama 2 to 3.2, SmolLM2, Qwen2, Qwen2.5, Qwen3),
        /// or the name (<c>org/name</c>) of one in the local Hugging Face cache. Null: from nothing, with <see cref="Architecture"/>.
        /// </summary>
        public string? PretrainedFolder { get; set; }

        /// <summary>The sizes of a model that starts from nothing; beside a language model's folder, the kinds of its projector and vision head. Null: the defaults.</summary>
        public LanguageModelArchitecture? Architecture { get; set; }

        /// <summary>The tokenizer of a model that starts from nothing. Null: one is trained from the prompt and response columns.</summary>
        public LanguageTokenizer? Tokenizer { get; set; }

        /// <summary>How a tokenizer is trained from the rows. Null: the defaults.</summary>
        public BytePairTrainingOptions? TokenizerTraining { get; set; }

        /// <summary>A Jinja chat template instead of the tokenizer's; it is saved with the model. Null: the tokenizer's.</summary>
        public string? ChatTemplate { get; set; }

        /// <summary>Stage, batch size, learning rate, precision and all else of the training loop. The seed of the <see cref="MLContext"/>, where it has one, stands for the seed here.</summary>
        public VisualPredictiveTrainingOptions Training { get; set; } = new();

        /// <summary>Longer rows are cut, never inside a picture, and counted in the log; where nothing of any response is left, <c>Fit</c> throws. At least 1. Default: 4,096 positions, or as many as the model was made for (<c>max_position_embeddings</c>) where those are fewer.</summary>
        public int MaximumLength { get; set; } = 4096;

        /// <summary>Whether rows that cannot be learned (marks and pictures differ in number, an empty response, a picture that could not be encoded) are passed over and told in the log. Default: false, they throw. A cache (<c>AppendCacheCheckpoint</c>) ends with its first error: behind one, pictures that cannot be read are passed over only where <see cref="EncodeImagesEstimator.Options.ErrorColumnName"/> is given in front of it.</summary>
        public bool SkipBadRows { get; set; }

        /// <summary>
        /// The folder for checkpoints, one training at a time. <c>Fit</c> with the same folder goes on from the last whole one, in the element type in which
        /// the training was begun, and ends with the weights of a training that was never stopped: bit for bit on the same machine with as many threads,
        /// without a budget of time. Rows that were learned are passed over: nothing of them is read or encoded again. Where the training was finished, its
        /// model is there at once. Options, rows or start that are not those of the checkpoint are refused. Null (default): none are written.
        /// </summary>
        public string? CheckpointFolder { get; set; }

        /// <inheritdoc cref="AutoencoderTrainer.Options.CheckpointInterval"/>
        public int CheckpointInterval { get; set; } = 500;

        /// <inheritdoc cref="AutoencoderTrainer.Options.CheckpointCount"/>
        public int CheckpointCount { get; set; } = 2;

        /// <summary>
        /// The folder for figures of the training: <c>steps.csv</c>, a line for every step that can be read while the training runs (a header, numbers
        /// with a point); an event file of TensorBoard with the same; and <c>run.json</c>, what the run was: versions, options, seed, hashes of rows
        /// and start, element type, end and last figures. It is made where it does not exist; one training, one folder. A training that goes on from a
        /// checkpoint goes on in the same files. Null (default): none.
        /// </summary>
        public string? LogFolder { get; set; }

        /// <summary>
        /// How many of the first validation prompts are answered at each evaluation (<see cref="VisualPredictiveTrainingOptions.ValidationInterval"/>) and at the
        /// end; at least 0. Answers are logged, and written into <c>answers.jsonl</c> of <see cref="LogFolder"/>: step, row, prompt, what the row answers, what
        /// the model does, its pictures, and why it ended. They are made as <see cref="ResponseColumns.Generation"/> says, and change no weight. Default: 0, none.
        /// </summary>
        public int SampleAnswers { get; set; }

        /// <summary>Whether a cancelled training gives the model as it stands. Default: false, it throws <see cref="OperationCanceledException"/>.</summary>
        public bool KeepCancelled { get; set; }

        /// <summary>Told after every step, on the training's thread. Null: nobody.</summary>
        public IProgress<TrainingStatus>? Progress { get; set; }

        /// <summary>Ends the training before its next step.</summary>
        public CancellationToken CancellationToken { get; set; }

        private protected override bool NeedsResponses => true;

        internal void Validate()
        {
            ArgumentNullException.ThrowIfNull(Training);
            ConversationText.RequireTemplate(ChatTemplate);
            ArgumentException.ThrowIfNullOrEmpty(ResponseColumnName);
            CheckpointSettings.Validate(this);
            if (LogFolder is { } folder) ArgumentException.ThrowIfNullOrWhiteSpace(folder, nameof(LogFolder));
            Training.Validate();
            Architecture?.Validate();
            if (SampleAnswers < 0) throw new ArgumentOutOfRangeException(nameof(SampleAnswers), SampleAnswers, $"{nameof(SampleAnswers)} is {SampleAnswers}; at least 0 is needed.");
            if (MaximumLength < 1) throw new ArgumentOutOfRangeException(nameof(MaximumLength), MaximumLength, $"{nameof(MaximumLength)} is {MaximumLength}; at least 1 is needed.");
            if (PretrainedFolder is not null && Tokenizer is not null) throw new ArgumentException($"{nameof(PretrainedFolder)} and {nameof(Tokenizer)} are both given; a pretrained model has its own tokenizer.");
        }
    }
}
