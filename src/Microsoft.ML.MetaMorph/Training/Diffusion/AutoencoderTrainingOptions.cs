using static Microsoft.ML.MetaMorph.OptionRange;

namespace Microsoft.ML.MetaMorph;

/// <summary>How an autoencoder learns to give pictures back from their latents. The defaults suit one of about a million parameters that begins with random weights.</summary>
/// <remarks>The loss is ours (squared and absolute error, no perceptual and no adversarial part); the divergence is that of arXiv 1312.6114.</remarks>
public sealed record AutoencoderTrainingOptions : ITrainingOptions
{
    private const int DefaultSteps = 2_000;

    /// <summary>Optimizer steps, at least 1. Null (default): 2,000, or as many as fit where <see cref="MaximumSeconds"/> is given.</summary>
    public int? MaximumSteps { get; init; }

    /// <summary>
    /// A budget of wall-clock time in seconds, above 0. The learning rate then follows the elapsed share of the budget; the number of steps, and
    /// with it the weights, depend on the machine. Null (default): no budget.
    /// </summary>
    public double? MaximumSeconds { get; init; }

    /// <summary>Pictures of an optimizer step, at least 1. Default: 32.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Pictures that are computed at a time, at least 1; their gradients add up to those of the step. It bounds memory and does not change the
    /// result beyond rounding. Null (default): all of a step.
    /// </summary>
    public int? PicturesAtATime { get; init; }

    /// <summary>The weight of the mean squared error of values from −1 to 1, at least 0. Default: 2.</summary>
    public double SquaredErrorWeight { get; init; } = 2;

    /// <summary>The weight of the mean absolute error of values from −1 to 1, at least 0. Default: 0.3.</summary>
    public double AbsoluteErrorWeight { get; init; } = 0.3;

    /// <summary>
    /// The weight of the divergence of a picture's latent from the standard normal distribution, summed over the latent, at least 0. More makes
    /// latents smoother and pictures coarser. Default: 2e-7.
    /// </summary>
    public double DivergenceWeight { get; init; } = 2e-7;

    /// <summary>
    /// The weight of a picture's foreground in its errors, at least 1, where the background weighs 1. Foreground is what differs from the colour of the
    /// picture's border. Default: 1, no difference; 3 to 5 helps small objects on plain backgrounds.
    /// </summary>
    public double ForegroundWeight { get; init; } = 1;

    /// <summary>Peak learning rate, above 0. Default: 2e-3.</summary>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>The curve after the warm-up. Default: cosine to zero.</summary>
    public LearningRateScheduleKind Schedule { get; init; } = LearningRateScheduleKind.Cosine;

    /// <summary>How the rate rises at the beginning. Default: linearly.</summary>
    public WarmupShape Warmup { get; init; } = WarmupShape.Linear;

    /// <summary>The share of the steps in which the rate rises, in [0, 1). Default: 0.03.</summary>
    public double WarmupRatio { get; init; } = 0.03;

    /// <summary>Decoupled weight decay of matrices and kernels, 0 to 100; norms and biases have none. Default: 0.</summary>
    public double WeightDecay { get; init; }

    /// <summary>AdamW's decay of the first moment, in [0, 1). Default: 0.9.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>AdamW's decay of the second moment, in [0, 1). Default: 0.999.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>AdamW's ε, above 0. Default: 1e-8.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Gradients are scaled down to this norm, above 0. Default: 1. Null: never.</summary>
    public double? MaximumGradientNorm { get; init; } = 1;

    /// <summary>The autoencoder ends with the running average of its weights, decay in (0, 1). Null (default): with the last weights.</summary>
    public double? AveragingDecay { get; init; }

    /// <summary>Pictures of the training data by whose latents the scaling factor is measured at the end, at least 1. Default: 512.</summary>
    public int ScalingPictures { get; init; } = 512;

    /// <summary>In which element type linear layers and convolutions are computed. Default: measured.</summary>
    public Precision Precision { get; init; } = Precision.Auto;

    /// <summary>Decides the first weights and the noise of latents. Default: 0.</summary>
    public int Seed { get; init; }

    /// <summary>The steps that are taken if time does not end them; null: only time does.</summary>
    internal int? Steps => MaximumSteps ?? (MaximumSeconds is null ? DefaultSteps : null);

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; it is named with its value and range.</exception>
    /// <exception cref="ArgumentException">Both errors weigh nothing.</exception>
    internal void Validate()
    {
        Check(this);
        Check(nameof(PicturesAtATime), PicturesAtATime, PicturesAtATime is null or >= 1, "at least 1");
        Check(nameof(SquaredErrorWeight), SquaredErrorWeight, IsFactor(SquaredErrorWeight), "at least 0");
        Check(nameof(AbsoluteErrorWeight), AbsoluteErrorWeight, IsFactor(AbsoluteErrorWeight), "at least 0");
        Check(nameof(DivergenceWeight), DivergenceWeight, IsFactor(DivergenceWeight), "at least 0");
        Check(nameof(ForegroundWeight), ForegroundWeight, ForegroundWeight is >= 1 and < double.PositiveInfinity, "at least 1");
        Check(nameof(LearningRate), LearningRate, LearningRate is > 0 and < double.PositiveInfinity, "above 0");
        Check(nameof(Warmup), Warmup);
        Check(nameof(ScalingPictures), ScalingPictures, ScalingPictures >= 1, "at least 1");
        if (SquaredErrorWeight == 0 && AbsoluteErrorWeight == 0)
            throw new ArgumentException($"{nameof(SquaredErrorWeight)} and {nameof(AbsoluteErrorWeight)} are both 0: nothing would tell the autoencoder what the pictures look like. Set one of them above 0.");
    }
}
