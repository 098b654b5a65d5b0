using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Euler steps of the probability flow in terms of the noise ratio σ (Karras et al., 2022, algorithm 2 without churn).</summary>
/// <remarks>Its samples are x₀ + σ·ε; the denoiser sees them divided by √(1 + σ²).</remarks>
internal sealed class EulerScheduler : DiffusionScheduler
{
    private readonly double[] _sigmas;

    public EulerScheduler(SchedulerConfig config, int steps)
        : base(config, steps)
    {
        if (config.RescaleBetasZeroSnr) Noise = Noise.WithFiniteEnd();
        var table = new SigmaTable(Noise);
        double[] timesteps = TimestepSequence.Create(config.Spacing ?? TimestepSpacing.Linspace, config.TrainingSteps, steps, config.StepsOffset, rounded: false);
        double[] sigmas = config.LogLinearInterpolation
            ? [.. SigmaTable.Spaced(SigmaSpacing.Exponential, table.Largest, table.Least, steps + 1)]
            : [.. timesteps.Select(table.At)];
        // diffusers' Euler has no use_lu_lambdas and passes over it.
        SigmaSpacing spaced = config.SigmaSpacing == SigmaSpacing.LogSignalToNoise ? SigmaSpacing.Timesteps : config.SigmaSpacing;
        if (spaced != SigmaSpacing.Timesteps)
        {
            sigmas = SigmaTable.Spaced(spaced, config.SigmaMax ?? sigmas[0], config.SigmaMin ?? sigmas[^1], steps);
            timesteps = [.. sigmas.Select(table.TimestepOf)];
        }
        double last = config.FinalSigma == FinalSigma.Zero ? 0 : table.Least;
        _sigmas = [.. sigmas.Append(last).Select(sigma => (double)(float)sigma)];
        bool continuous = config.ContinuousTimesteps && config.Prediction == DiffusionPrediction.Velocity;
        Timesteps = [.. (continuous ? _sigmas[..^1].Select(sigma => 0.25 * Math.Log(sigma)) : timesteps).Select(timestep => (double)(float)timestep)];
    }

    public override IReadOnlyList<double> Timesteps { get; }

    public override double InitialNoiseScale => InitialScale(Config, _sigmas);

    public override Tensor Step(Tensor sample, Tensor prediction, int index, Tensor? noise = null)
    {
        using var scope = NewDisposeScope();
        return Towards(sample, PredictedSample(sample, prediction, index), _sigmas[index], _sigmas[index + 1]).MoveToOuterDisposeScope();
    }

    /// <summary>Where the straight line from a sample at <paramref name="from"/> to the predicted picture passes <paramref name="to"/>.</summary>
    /// <remarks>In diffusers' order: where samples count thousands of units (schedules that end in noise), another order rounds to another picture.</remarks>
    public static Tensor Towards(Tensor sample, Tensor predicted, double from, double to)
    {
        using var scope = NewDisposeScope();
        Tensor slope = (sample - predicted) / (float)from;
        return (sample + slope * ((float)to - (float)from)).MoveToOuterDisposeScope();
    }

    /// <summary>The deviation of the noise at the beginning; spacings that leave out the last timestep count the picture's own.</summary>
    public static double InitialScale(SchedulerConfig config, IReadOnlyList<double> sigmas)
    {
        double largest = sigmas.Max();
        return config.Spacing == TimestepSpacing.Leading ? Math.Sqrt(largest * largest + 1) : largest;
    }

    protected override double InputScale(int index) => 1 / Math.Sqrt(_sigmas[index] * _sigmas[index] + 1);

    protected override (double Signal, double Spread) Mixture(int index) => (1, _sigmas[index]);
}
