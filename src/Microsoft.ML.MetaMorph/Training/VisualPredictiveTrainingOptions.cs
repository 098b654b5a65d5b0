using static Microsoft.ML.MetaMorph.OptionRange;

namespace Microsoft.ML.MetaMorph;

/// <summary>How a MetaMorph model is trained. The defaults are the paper's (arXiv 2412.14164, table 2) where it gives a value.</summary>
public sealed record VisualPredictiveTrainingOptions : ITrainingOptions
{
    /// <summary>Reference batch size and learning rate of stage 1 in the paper: 4.9e-5 at 768 rows.</summary>
    private const double ConnectorRate = 4.9e-5, ConnectorBatch = 768;

    /// <summary>The same of stage 2: 6.93e-5 at 1,536 rows.</summary>
    private const double TuningRate = 6.93e-5, TuningBatch = 1536;

    /// <summary>Which parts learn. Default: <see cref="VisualPredictiveStage.InstructionTuning"/>.</summary>
    public VisualPredictiveStage Stage { get; init; } = VisualPredictiveStage.InstructionTuning;

    /// <summary>
    /// Passes over the rows, at least 1. Null (default): 1, or as many as fit where <see cref="MaximumSteps"/> or <see cref="MaximumSeconds"/> is given.
    /// </summary>
    public int? Epochs { get; init; }

    /// <summary>Optimizer steps, at least 1. Null (default): as many as the epochs have.</summary>
    public int? MaximumSteps { get; init; }

    /// <summary>
    /// A budget of wall-clock time in seconds, above 0. The learning rate then follows the elapsed share of the budget, so that the schedule
    /// ends with it; the number of steps, and with it the weights, depend on the machine. Null (default): no budget.
    /// </summary>
    public double? MaximumSeconds { get; init; }

    /// <summary>Rows of an optimizer step, at least 1. Default: 32.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Positions that are computed at a time, at least 1. The rows of a step are packed into sequences of at most this length, and their
    /// gradients add up; it bounds memory and does not change the result. A longer row gets a sequence of its own. Default: 4,096 (the paper's maximum length).
    /// </summary>
    public int SequenceBudget { get; init; } = 4096;

    /// <summary>
    /// Peak learning rate, above 0. Null (default): the paper's rate of the stage times √(<see cref="BatchSize"/> / the paper's batch size).
    /// </summary>
    public double? LearningRate { get; init; }

    /// <summary>The curve after the warm-up. Default: cosine (the paper's).</summary>
    public LearningRateScheduleKind Schedule { get; init; } = LearningRateScheduleKind.Cosine;

    /// <summary>The least rate of <see cref="LearningRateScheduleKind.CosineWithMinimum"/> and the last of <see cref="LearningRateScheduleKind.Polynomial"/>; from 0 to the peak. Default: 0.</summary>
    public double MinimumLearningRate { get; init; }

    /// <summary>The share of the steps in which the rate rises from zero, in [0, 1). Default: 0.03 (the paper's).</summary>
    public double WarmupRatio { get; init; } = 0.03;

    /// <summary>The projector's learning rate is the schedule's times this; at least 0. Default: 1.</summary>
    public double ProjectorRateFactor { get; init; } = 1;

    /// <summary>The same for the language model, embeddings included. Default: 1.</summary>
    public double LanguageModelRateFactor { get; init; } = 1;

    /// <summary>The same for the vision head. Default: 1.</summary>
    public double VisionHeadRateFactor { get; init; } = 1;

    /// <summary>Weight of the visual loss, at least 0; stage 1 has none. Default: 1 (the paper's).</summary>
    public double VisionCoefficient { get; init; } = 1;

    /// <summary>Decoupled weight decay of matrices, 0 to 100; norms and biases have none. Default: 0 (the paper's).</summary>
    public double WeightDecay { get; init; }

    /// <summary>AdamW's decay of the first moment, in [0, 1). Default: 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's decay of the second moment, in [0, 1). Default: 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>AdamW's ε, above 0. Default: 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Gradients are scaled down to this norm, above 0. Null (default, the paper's): never.</summary>
    public double? MaximumGradientNorm { get; init; }

    /// <summary>
    /// The model ends with the running average of its weights, decay in (0, 1), as of diffusers' <c>EMAModel</c>. Null (default): with the last weights.
    /// </summary>
    public double? AveragingDecay { get; init; }

    /// <summary>
    /// Keeps only the input of each decoder layer and computes the rest again in the backward pass: the same gradients, bit for bit, a third
    /// slower, with a fraction of the memory. Default: false.
    /// </summary>
    public bool ActivationCheckpointing { get; init; }

    /// <summary>In which element type linear layers are computed. Default: measured.</summary>
    public Precision Precision { get; init; } = Precision.Auto;

    /// <summary>Steps between two evaluations of the validation rows, at least 1. Null (default): only at the end.</summary>
    public int? ValidationInterval { get; init; }

    /// <summary>
    /// The training ends where so many evaluations in a row (<see cref="ValidationInterval"/>) have not brought the loss on the validation rows below the
    /// best one by <see cref="MinimumImprovement"/>; at least 1. Null (default): it goes on to its end.
    /// </summary>
    public int? EarlyStoppingPatience { get; init; }

    /// <summary>By how much the loss on the validation rows has to fall to count as better, at least 0. Default: 0.</summary>
    public double MinimumImprovement { get; init; }

    /// <summary>
    /// The model ends with the weights of the evaluation with the lowest loss on the validation rows instead of the last ones; a training that is
    /// cancelled, with those of the last step. They take as much memory, and space in checkpoints, as the weights that are trained. Default: false.
    /// </summary>
    public bool KeepBestWeights { get; init; }

    /// <summary>
    /// The share of a step's rows in which the pictures of the prompts are replaced by zeros, at least 0 and below 1, so that a model learns what it can
    /// say without them; those that are learned stay. Default: 0.
    /// </summary>
    public double ImageDropout { get; init; }

    /// <summary>
    /// Trains a low-rank adapter (LoRA) beside a language model that stays as it is, instead of its weights; only in
    /// <see cref="VisualPredictiveStage.InstructionTuning"/>. Null (default): the weights themselves.
    /// </summary>
    public LowRankOptions? LowRank { get; init; }

    /// <summary>
    /// Decides the order of the rows, and how a fresh adapter starts. The same seed on the same machine gives the same weights, bit for bit, unless <see cref="MaximumSeconds"/> is
    /// given or <see cref="Precision"/>, where it is measured, is chosen otherwise. Default: 0.
    /// </summary>
    public int Seed { get; init; }

    /// <summary>Whether the loss on the validation rows decides something.</summary>
    internal bool WatchesValidation => EarlyStoppingPatience is not null || KeepBestWeights;

    /// <summary>Options that do not change what is learned, so that a training may go on with others.</summary>
    internal string[] Free => WatchesValidation ? [nameof(ActivationCheckpointing)] : [nameof(ActivationCheckpointing), nameof(ValidationInterval)];

    /// <summary>The error of options that watch the validation rows where there are none.</summary>
    internal string NoValidation => $"{Watching}, but there are no validation rows. Give Fit validation rows, or leave the option out.";

    private string Watching => KeepBestWeights ? $"{nameof(KeepBestWeights)} is true" : $"{nameof(EarlyStoppingPatience)} is {EarlyStoppingPatience}";

    /// <summary>The peak rate that is used.</summary>
    internal double PeakRate => LearningRate ?? (Stage == VisualPredictiveStage.ConnectorPretraining
        ? LearningRateSchedule.ScaleRate(ConnectorRate, BatchSize, ConnectorBatch)
        : LearningRateSchedule.ScaleRate(TuningRate, BatchSize, TuningBatch));

    /// <summary>Whether activations are computed again on the way back.</summary>
    internal bool RecomputesActivations => ActivationCheckpointing || LowRank is { FrozenWeights: FrozenWeights.Int8 };

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; it is named with its value and range.</exception>
    internal void Validate()
    {
        Check(this);
        Check(nameof(Stage), Stage);
        Check(nameof(Epochs), Epochs, Epochs is null or >= 1, "at least 1");
        Check(nameof(SequenceBudget), SequenceBudget, SequenceBudget >= 1, "at least 1");
        Check(nameof(LearningRate), LearningRate, LearningRate is null or (> 0 and < double.PositiveInfinity), "above 0");
        Check(nameof(MinimumLearningRate), MinimumLearningRate, MinimumLearningRate >= 0 && MinimumLearningRate <= PeakRate, $"from 0 to the peak rate of {PeakRate:G4}");
        Check(nameof(ProjectorRateFactor), ProjectorRateFactor, IsFactor(ProjectorRateFactor), "at least 0");
        Check(nameof(LanguageModelRateFactor), LanguageModelRateFactor, IsFactor(LanguageModelRateFactor), "at least 0");
        Check(nameof(VisionHeadRateFactor), VisionHeadRateFactor, IsFactor(VisionHeadRateFactor), "at least 0");
        Check(nameof(VisionCoefficient), VisionCoefficient, IsFactor(VisionCoefficient), "at least 0");
        LowRank?.Validate();
        Check(nameof(Stage), Stage, LowRank is null || Stage == VisualPredictiveStage.InstructionTuning, $"{nameof(VisualPredictiveStage.InstructionTuning)} where {nameof(LowRank)} is given: {nameof(VisualPredictiveStage.ConnectorPretraining)} leaves the language model as it is");
        Check(nameof(ValidationInterval), ValidationInterval, ValidationInterval is null or >= 1, "at least 1");
        Check(nameof(EarlyStoppingPatience), EarlyStoppingPatience, EarlyStoppingPatience is null or >= 1, "at least 1");
        Check(nameof(MinimumImprovement), MinimumImprovement, IsFactor(MinimumImprovement), "at least 0");
        Check(nameof(ImageDropout), ImageDropout, ImageDropout is >= 0 and < 1, "at least 0 and below 1");
        if (WatchesValidation && ValidationInterval is null)
            throw new ArgumentException($"{Watching}, but {nameof(ValidationInterval)} is not set, so there is one evaluation only. Set it to the steps between two.");
    }
}
