using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>DPM-Solver++ (Lu et al., 2022, algorithm 2): multistep formulas of order 1 to 3 over predicted pictures, in λ = log(α/σ).</summary>
internal sealed class DpmSolverMultistepScheduler : DiffusionScheduler
{
    // Below this many steps the last ones take lower orders.
    private const int FewSteps = 15;
    private readonly double[] _sigmas;
    private readonly PredictionHistory _originals;

    public DpmSolverMultistepScheduler(SchedulerConfig config, int steps)
        : base(config, steps)
    {
        if (config.RescaleBetasZeroSnr) Noise = Noise.WithFiniteEnd();
        var table = new SigmaTable(Noise);
        if (config.SigmaSpacing == SigmaSpacing.Timesteps)
        {
            Timesteps = Indexable(count => Spaced(config, count));
            _sigmas = [.. Timesteps.Select(table.At)];
        }
        else
        {
            (double largest, double least) = Ends(config, table);
            _sigmas = SigmaTable.Spaced(config.SigmaSpacing, largest, least, steps);
            Timesteps = [.. _sigmas.Select(sigma => Whole(table.TimestepOf(sigma)))];
        }
        double last = config.FinalSigma == FinalSigma.Zero ? 0 : table.Least;
        _sigmas = [.. _sigmas.Append(last).Select(sigma => (double)(float)sigma)];
        _originals = new PredictionHistory(config.SolverOrder);
    }

    public override IReadOnlyList<double> Timesteps { get; }

    public override bool NeedsNoise => Config.Stochastic;

    public override Tensor Step(Tensor sample, Tensor prediction, int index, Tensor? noise = null)
    {
        using var scope = NewDisposeScope();
        _originals.Add(PredictedSample(sample, prediction, index));
        Tensor next = Update(sample, Math.Min(_originals.Count, AllowedOrder(index)), index);
        if (NeedsNoise) next = Combine(next, 1, Required(noise), FreshNoise(index));
        return next.MoveToOuterDisposeScope();
    }

    public override void Dispose() => _originals.Dispose();

    protected override (double Signal, double Spread) Mixture(int index)
    {
        double alpha = 1 / Math.Sqrt(_sigmas[index] * _sigmas[index] + 1);
        return (alpha, _sigmas[index] * alpha);
    }

    /// <summary>diffusers' class has no sigma_min and sigma_max, but reads them where a configuration has them; not for evenly spaced λ.</summary>
    private static (double Largest, double Least) Ends(SchedulerConfig config, SigmaTable table) => config.SigmaSpacing == SigmaSpacing.LogSignalToNoise
        ? (table.Largest, table.Least)
        : (config.SigmaMax ?? table.Largest, config.SigmaMin ?? table.Least);

    private double[] Spaced(SchedulerConfig config, int steps)
    {
        int end = config.TrainingSteps - (config.LambdaMinClipped is { } least ? Enumerable.Range(0, config.TrainingSteps).Count(t => -Math.Log(Noise.NoiseRatio(t)) < least) : 0);
        switch (config.Spacing ?? TimestepSpacing.Linspace)
        {
            case TimestepSpacing.Linspace:
                return [.. TimestepSequence.Linspace(0, end - 1, steps + 1).Skip(1).Reverse().Select(t => Math.Round(t))];
            case TimestepSpacing.Leading:
                int stride = end / (steps + 1);
                if (stride == 0) throw WrongSteps(steps, $"with leading timesteps DPM-Solver++ takes at most {end - 1} steps.");
                return [.. TimestepSequence.Leading(stride, steps + 1, config.StepsOffset).SkipLast(1)];
            default:
                double width = (double)config.TrainingSteps / steps;
                return TimestepSequence.Trailing(end, width, end == config.TrainingSteps ? steps : (int)Math.Ceiling(end / width));
        }
    }

    /// <summary>diffusers rounds the timesteps of spaced noise ratios to whole ones, or cuts them where the angle schedule's last ones would collide.</summary>
    private double Whole(double timestep)
        => Config.SigmaSpacing != SigmaSpacing.Exponential && Config.BetaSchedule != BetaSchedule.SquaredCosine ? Math.Round(timestep) : Math.Truncate(timestep);

    private int AllowedOrder(int index)
    {
        bool few = Config.LowerOrderFinal && Timesteps.Count < FewSteps;
        if (index == Timesteps.Count - 1 && (Config.EulerAtFinal || few || Config.FinalSigma == FinalSigma.Zero)) return 1;
        return index == Timesteps.Count - 2 && few ? 2 : 3;
    }

    private Tensor Update(Tensor sample, int order, int index)
    {
        (double alpha, double sigma, double h) = Stride(index);
        double decay = Config.Stochastic ? Math.Exp(-2 * h) : Math.Exp(-h);
        double own = Config.Stochastic ? sigma / Spread(index) * Math.Exp(-h) : sigma / Spread(index);
        Tensor next = Combine(sample, own, _originals[0], alpha * (1 - decay));
        if (order == 1) return next;
        (Tensor slope, Tensor? curvature) = Differences(order, index, h);
        double first = order == 2 && Config.SolverType == SolverType.Midpoint ? 0.5 * (1 - decay) : Linear(decay, h);
        next = Combine(next, 1, slope, alpha * first);
        return curvature is null ? next : Combine(next, 1, curvature, alpha * Quadratic(decay, h));
    }

    /// <summary>Divided differences of the predicted pictures in λ, in units of this step.</summary>
    private (Tensor Slope, Tensor? Curvature) Differences(int order, int index, double h)
    {
        double r0 = Distance(index - 1) / h;
        Tensor newer = Combine(_originals[0], 1 / r0, _originals[1], -1 / r0);
        if (order == 2) return (newer, null);
        double r1 = Distance(index - 2) / h;
        Tensor older = Combine(_originals[1], 1 / r1, _originals[2], -1 / r1);
        Tensor change = newer - older;
        return (Combine(newer, 1, change, r0 / (r0 + r1)), change * (float)(1 / (r0 + r1)));
    }

    // With noise the exponent is doubled, and the formulas are those of a step twice as long.
    private double Linear(double decay, double h) => Config.Stochastic ? (1 - decay) / (-2 * h) + 1 : (decay - 1) / h + 1;

    private double Quadratic(double decay, double h) => Config.Stochastic ? (1 - decay - 2 * h) / (4 * h * h) - 0.5 : -((decay - 1 + h) / (h * h) - 0.5);

    private double FreshNoise(int index)
    {
        (_, double sigma, double h) = Stride(index);
        return sigma * Math.Sqrt(1 - Math.Exp(-2 * h));
    }

    /// <summary>α and σ at the end of a step, and its length in λ.</summary>
    private (double Alpha, double Sigma, double Length) Stride(int index)
    {
        double ratio = _sigmas[index + 1], alpha = 1 / Math.Sqrt(ratio * ratio + 1);
        return (alpha, ratio * alpha, Distance(index));
    }

    /// <summary>λ grows by the logarithm of σ's fall.</summary>
    private double Distance(int index) => Math.Log(_sigmas[index] / _sigmas[index + 1]);

    private double Spread(int index) => Mixture(index).Spread;
}
