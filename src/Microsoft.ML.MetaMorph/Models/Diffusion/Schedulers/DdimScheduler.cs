using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Denoising diffusion implicit models (Song et al., 2021, equation 12).</summary>
internal sealed class DdimScheduler : DiffusionScheduler
{
    private readonly int _stride;

    public DdimScheduler(SchedulerConfig config, int steps)
        : base(config, steps)
    {
        Timesteps = Indexable(count => TimestepSequence.Create(config.Spacing ?? TimestepSpacing.Leading, config.TrainingSteps, count, config.StepsOffset, rounded: true));
        _stride = config.TrainingSteps / steps;
    }

    public override IReadOnlyList<double> Timesteps { get; }

    /// <summary>η: 0 (default) is deterministic, 1 adds as much noise as <see cref="DdpmScheduler"/>.</summary>
    public double Eta { get; init; }

    public override bool NeedsNoise => Eta > 0;

    public override Tensor Step(Tensor sample, Tensor prediction, int index, Tensor? noise = null)
    {
        using var scope = NewDisposeScope();
        (double signal, double spread) = Mixture(index);
        double alpha = Cumulative((int)Timesteps[index]), before = Cumulative((int)Timesteps[index] - _stride);
        Tensor original = Clip(PredictedSample(sample, prediction, index));
        double variance = alpha >= 1 ? 0 : Eta * Eta * (1 - before) / (1 - alpha) * (1 - alpha / before);
        Tensor direction = PredictedNoise(sample, prediction, signal, spread);
        Tensor next = Combine(original, Math.Sqrt(before), direction, Math.Sqrt(Math.Max(0, 1 - before - variance)));
        if (NeedsNoise) next = Combine(next, 1, Required(noise), Math.Sqrt(variance));
        return next.MoveToOuterDisposeScope();
    }

    protected override (double Signal, double Spread) Mixture(int index)
    {
        double alpha = Cumulative((int)Timesteps[index]);
        return (Math.Sqrt(alpha), Math.Sqrt(1 - alpha));
    }

    /// <summary>ᾱ; the step before the first timestep goes a whole stride down, wherever the next listed one lies.</summary>
    private double Cumulative(int timestep) => timestep >= 0 ? Noise.AlphasCumulative[timestep] : Config.SetAlphaToOne ?? true ? 1 : Noise.AlphasCumulative[0];
}
