using static Microsoft.ML.MetaMorph.OptionRange;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// How a visualizer learns to draw pictures from their visual tokens. The defaults are the paper's (arXiv 2412.14164, appendix), for a published
/// Stable Diffusion; <see cref="FromNothing"/> are those for a small one without pretrained weights.
/// </summary>
public sealed record VisualizerTrainingOptions : ITrainingOptions
{
    /// <summary>The paper's steps.</summary>
    private const int PublishedSteps = 12_000;

    /// <summary>For a small visualizer that begins with random weights (<see cref="VisualizerArchitecture"/>): many small steps.</summary>
    public static VisualizerTrainingOptions FromNothing { get; } = new()
    {
        LearningRate = 4e-3,
        Schedule = LearningRateScheduleKind.Cosine,
        Warmup = WarmupShape.Linear,
        WarmupRatio = 0.03,
        ConditioningDropout = 0.1,
        BatchSize = 16,
        MaximumGradientNorm = 1,
        AveragingDecay = 0.99,
    };

    /// <summary>Which parts learn. Default: adapter and denoising network.</summary>
    public VisualizerParts Parts { get; init; } = VisualizerParts.AdapterAndDenoiser;

    /// <summary>Optimizer steps, at least 1. Null (default): 12,000 (the paper's), or as many as fit where <see cref="MaximumSeconds"/> is given.</summary>
    public int? MaximumSteps { get; init; }

    /// <summary>
    /// A budget of wall-clock time in seconds, above 0. The learning rate then follows the elapsed share of the budget; the number of steps, and
    /// with it the weights, depend on the machine. Null (default): no budget.
    /// </summary>
    public double? MaximumSeconds { get; init; }

    /// <summary>Pictures of an optimizer step, at least 1. Default: 32 (the paper took 2,112 on many devices).</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Pictures that are computed at a time, at least 1; their gradients add up to those of the step. It bounds memory and does not change the
    /// result beyond rounding. Null (default): all of a step.
    /// </summary>
    public int? PicturesAtATime { get; init; }

    /// <summary>Peak learning rate, above 0. Default: 1.1e-5 (the paper's).</summary>
    public double LearningRate { get; init; } = 1.1e-5;

    /// <summary>The curve after the warm-up. Default: linear to zero (the paper's).</summary>
    public LearningRateScheduleKind Schedule { get; init; } = LearningRateScheduleKind.Linear;

    /// <summary>How the rate rises at the beginning. Default: logarithmic (the paper's).</summary>
    public WarmupShape Warmup { get; init; } = WarmupShape.Logarithmic;

    /// <summary>The share of the steps in which the rate rises, in [0, 1). Default: 1/6 (the paper's 2,000 of 12,000 steps).</summary>
    public double WarmupRatio { get; init; } = 1.0 / 6;

    /// <summary>Decoupled weight decay of matrices, 0 to 100; norms and biases have none. Default: 0.01 (the paper's).</summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>AdamW's decay of the first moment, in [0, 1). Default: 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's decay of the second moment, in [0, 1). Default: 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>AdamW's ε, above 0. Default: 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Gradients are scaled down to this norm, above 0. Null (default): never.</summary>
    public double? MaximumGradientNorm { get; init; }

    /// <summary>
    /// The probability in [0, 1] that a picture's conditioning is replaced by zeros, which is what guidance later leads away from.
    /// Default: 0.7 (the paper's, for a network that could draw before); 0.1 suits one from nothing.
    /// </summary>
    public double ConditioningDropout { get; init; } = 0.7;

    /// <summary>Noise of this weight that is the same all over a channel, at least 0: lets the network change a picture's mean. Default: 0; 0.05 to 0.1 is common.</summary>
    public double NoiseOffset { get; init; }

    /// <summary>γ of min-SNR weighting (arXiv 2303.09556), above 0; 5 is common. Null (default): every timestep weighs the same.</summary>
    public double? MinimumSnrGamma { get; init; }

    /// <summary>
    /// The weight of a picture's foreground in its loss, at least 1, where the background weighs 1. Foreground is what differs from the colour of the
    /// picture's border. Default: 1, no difference; 3 to 5 helps small objects on plain backgrounds.
    /// </summary>
    public double ForegroundWeight { get; init; } = 1;

    /// <summary>The visualizer ends with the running average of its weights, decay in (0, 1). Null (default): with the last weights.</summary>
    public double? AveragingDecay { get; init; }

    /// <summary>
    /// Keeps only the input of each block of the denoising network and computes the rest again in the backward pass: the same gradients, a third
    /// slower, with a fraction of the memory. Default: false.
    /// </summary>
    public bool ActivationCheckpointing { get; init; }

    /// <summary>In which element type linear layers and convolutions are computed. Default: measured.</summary>
    public Precision Precision { get; init; } = Precision.Auto;

    /// <summary>Decides noise, timesteps and dropped conditioning. Default: 0.</summary>
    public int Seed { get; init; }

    /// <summary>The steps that are taken if time does not end them; null: only time does.</summary>
    internal int? Steps => MaximumSteps ?? (MaximumSeconds is null ? PublishedSteps : null);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; it is named with its value and range.</exception>
    internal void Validate()
    {
        Check(this);
        Check(nameof(Parts), Parts);
        Check(nameof(PicturesAtATime), PicturesAtATime, PicturesAtATime is null or >= 1, "at least 1");
        Check(nameof(LearningRate), LearningRate, LearningRate is > 0 and < double.PositiveInfinity, "above 0");
        Check(nameof(Warmup), Warmup);
        Check(nameof(ConditioningDropout), ConditioningDropout, ConditioningDropout is >= 0 and <= 1, "from 0 to 1");
        Check(nameof(NoiseOffset), NoiseOffset, IsFactor(NoiseOffset), "at least 0");
        Check(nameof(MinimumSnrGamma), MinimumSnrGamma, MinimumSnrGamma is null or (> 0 and < double.PositiveInfinity), "above 0");
        Check(nameof(ForegroundWeight), ForegroundWeight, ForegroundWeight is >= 1 and < double.PositiveInfinity, "at least 1");
    }
}
