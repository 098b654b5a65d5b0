using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Denoising diffusion probabilistic models (Ho et al., 2020, equation 7): the posterior's mean and fresh noise.</summary>
internal sealed class DdpmScheduler : DiffusionScheduler
{
    private const double LeastVariance = 1e-20;

    public DdpmScheduler(SchedulerConfig config, int steps)
        : base(config, steps)
        => Timesteps = Indexable(count => TimestepSequence.Create(config.Spacing ?? TimestepSpacing.Leading, config.TrainingSteps, count, config.StepsOffset, rounded: true));

    public override IReadOnlyList<double> Timesteps { get; }

    public override bool NeedsNoise => true;

    public override Tensor Step(Tensor sample, Tensor prediction, int index, Tensor? noise = null)
    {
        using var scope = NewDisposeScope();
        double alpha = Noise.AlphasCumulative[(int)Timesteps[index]], before = index + 1 < Timesteps.Count ? Noise.AlphasCumulative[(int)Timesteps[index + 1]] : 1;
        double beta = 1 - alpha / before;
        Tensor original = Clip(PredictedSample(sample, prediction, index));
        Tensor next = Combine(original, Math.Sqrt(before) * beta / (1 - alpha), sample, Math.Sqrt(alpha / before) * (1 - before) / (1 - alpha));
        if (Timesteps[index] > 0) next = Combine(next, 1, Required(noise), Math.Sqrt(Variance(alpha, before, beta)));
        return next.MoveToOuterDisposeScope();
    }

    protected override (double Signal, double Spread) Mixture(int index)
    {
        double alpha = Noise.AlphasCumulative[(int)Timesteps[index]];
        return (Math.Sqrt(alpha), Math.Sqrt(1 - alpha));
    }

    private double Variance(double alpha, double before, double beta) => Config.Variance switch
    {
        PosteriorVariance.FixedSmall or PosteriorVariance.FixedSmallLog => Math.Max(LeastVariance, (1 - before) / (1 - alpha) * beta),
        PosteriorVariance.FixedLarge => beta,
        _ => throw new InvalidOperationException($"Unknown variance {Config.Variance}."),
    };
}
