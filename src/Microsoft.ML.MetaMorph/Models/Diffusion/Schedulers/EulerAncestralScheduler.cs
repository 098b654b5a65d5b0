using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Euler steps that go a little too far and add the difference as fresh noise.</summary>
internal sealed class EulerAncestralScheduler : DiffusionScheduler
{
    private readonly double[] _sigmas;

    public EulerAncestralScheduler(SchedulerConfig config, int steps)
        : base(config, steps)
    {
        if (config.RescaleBetasZeroSnr) Noise = Noise.WithFiniteEnd();
        var table = new SigmaTable(Noise);
        Timesteps = TimestepSequence.Create(config.Spacing ?? TimestepSpacing.Linspace, config.TrainingSteps, steps, config.StepsOffset, rounded: false);
        _sigmas = [.. Timesteps.Select(table.At).Append(0).Select(sigma => (double)(float)sigma)];
    }

    public override IReadOnlyList<double> Timesteps { get; }

    public override double InitialNoiseScale => EulerScheduler.InitialScale(Config, _sigmas);

    public override bool NeedsNoise => true;

    public override Tensor Step(Tensor sample, Tensor prediction, int index, Tensor? noise = null)
    {
        using var scope = NewDisposeScope();
        double from = _sigmas[index], to = _sigmas[index + 1];
        double up = Math.Sqrt(Math.Max(0, to * to * (from * from - to * to) / (from * from))), down = Math.Sqrt(Math.Max(0, to * to - up * up));
        Tensor next = EulerScheduler.Towards(sample, PredictedSample(sample, prediction, index), from, down);
        return Combine(next, 1, Required(noise), up).MoveToOuterDisposeScope();
    }

    protected override double InputScale(int index) => 1 / Math.Sqrt(_sigmas[index] * _sigmas[index] + 1);

    protected override (double Signal, double Spread) Mixture(int index) => (1, _sigmas[index]);
}
