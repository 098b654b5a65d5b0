using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Pseudo numerical methods for diffusion models (Liu et al., 2022): linear multistep formulas over the last four noise predictions,
/// begun either with lower orders (the first step in two halves: one timestep more than steps) or with three Runge–Kutta steps.
/// </summary>
internal sealed class PndmScheduler : DiffusionScheduler
{
    private const int Order = 4;
    private const int RungeKuttaSteps = 3;
    private readonly PredictionHistory _noises = new(Order);
    private readonly int _stride;
    private readonly double[] _rungeKutta = [];
    private Tensor? _begun;
    private Tensor? _sum;

    // Counts from where the sampling begins, wherever that is: an image-to-image sampling begins with low orders too.
    private int _counter;

    // diffusers' PNDM has no rescale_betas_zero_snr and passes over it.
    public PndmScheduler(SchedulerConfig config, int steps)
        : base(config with { RescaleBetasZeroSnr = false }, steps)
    {
        if (config.Prediction == DiffusionPrediction.Sample) throw new NotSupportedException("PNDM works with predictions of noise or velocity; for a model that predicts the sample choose DDIM or another scheduler.");
        _stride = config.TrainingSteps / steps;
        IReadOnlyList<double> falling = Indexable(count => TimestepSequence.Create(config.Spacing ?? TimestepSpacing.Leading, config.TrainingSteps, count, config.StepsOffset, rounded: true));
        if (config.SkipPrkSteps ?? false)
        {
            // The first step is taken, looked at from its end, and taken again.
            Timesteps = steps == 1 ? falling : [falling[0], falling[1], .. falling.Skip(1)];
            return;
        }
        if (steps < Order) throw WrongSteps(steps, $"PNDM with Runge–Kutta steps takes at least {Order} steps (skip_prk_steps is false).");
        _rungeKutta = RungeKutta(falling, _stride / 2);
        Timesteps = [.. _rungeKutta, .. falling.Skip(RungeKuttaSteps)];
    }

    public override IReadOnlyList<double> Timesteps { get; }

    public override Tensor Step(Tensor sample, Tensor prediction, int index, Tensor? noise = null)
    {
        using var scope = NewDisposeScope();
        Tensor next = _counter < _rungeKutta.Length ? RungeKuttaStep(sample, prediction, index) : MultistepStep(sample, prediction, index);
        _counter++;
        return next.MoveToOuterDisposeScope();
    }

    public override void Dispose()
    {
        _noises.Dispose();
        _begun?.Dispose();
        _sum?.Dispose();
    }

    protected override (double Signal, double Spread) Mixture(int index)
    {
        double alpha = Cumulative((int)Timesteps[index]);
        return (Math.Sqrt(alpha), Math.Sqrt(1 - alpha));
    }

    /// <summary>Each of three steps is looked at at its beginning, twice in its middle, and at its end.</summary>
    private static double[] RungeKutta(IReadOnlyList<double> falling, int half)
    {
        var timesteps = new List<double>();
        for (int step = 0; step < RungeKuttaSteps; step++)
            timesteps.AddRange([falling[step], falling[step + 1] + half, falling[step + 1] + half, falling[step + 1]]);
        return [.. timesteps];
    }

    private Tensor RungeKuttaStep(Tensor sample, Tensor prediction, int index)
    {
        int part = _counter % 4;
        int from = (int)_rungeKutta[_counter / 4 * 4], to = (int)Timesteps[index] - (part % 2 == 0 ? _stride / 2 : 0);
        if (part == 0)
        {
            _noises.Add(prediction);
            Replace(ref _begun, sample.alias());
        }
        if (part == 3)
        {
            Tensor mean = Combine(_sum!, 1, prediction, 1.0 / 6);
            Tensor next = Transfer(_begun!, mean, from, to);
            Replace(ref _sum, null);
            return next;
        }
        double weight = part == 0 ? 1.0 / 6 : 1.0 / 3;
        Replace(ref _sum, _sum is null ? prediction * (float)weight : Combine(_sum, 1, prediction, weight));
        return Transfer(_begun!, prediction, from, to);
    }

    private Tensor MultistepStep(Tensor sample, Tensor prediction, int index)
    {
        int from = (int)Timesteps[index], to = from - _stride;
        if (_counter == 1)
        {
            // The end of the first step: the same step once more, with the mean of both looks.
            Tensor mean = Combine(prediction, 0.5, _noises[0], 0.5);
            Tensor again = Transfer(_begun!, mean, from + _stride, from);
            Replace(ref _begun, null);
            return again;
        }
        _noises.Add(prediction);
        if (_counter == 0) Replace(ref _begun, sample.alias());
        return Transfer(sample, Extrapolated(), from, to);
    }

    /// <summary>Adams–Bashforth formulas of the order that the history allows.</summary>
    private Tensor Extrapolated()
    {
        double[] weights = _noises.Count switch
        {
            1 => [1],
            2 => [3.0 / 2, -1.0 / 2],
            3 => [23.0 / 12, -16.0 / 12, 5.0 / 12],
            _ => [55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24],
        };
        Tensor sum = _noises[0] * (float)weights[0];
        for (int age = 1; age < weights.Length; age++) sum = sum.add(_noises[age], (float)weights[age]);
        return sum;
    }

    /// <summary>Equation 9: from one timestep to another along a prediction.</summary>
    private Tensor Transfer(Tensor sample, Tensor prediction, int from, int to)
    {
        double alpha = Cumulative(from), before = Cumulative(to);
        Tensor noise = PredictedNoise(sample, prediction, Math.Sqrt(alpha), Math.Sqrt(1 - alpha));
        double denominator = alpha * Math.Sqrt(1 - before) + Math.Sqrt(alpha * (1 - alpha) * before);
        return Combine(sample, Math.Sqrt(before / alpha), noise, -(before - alpha) / denominator);
    }

    private double Cumulative(int timestep)
    {
        if (timestep >= Noise.Steps) throw new InvalidOperationException($"A step from timestep {timestep} would begin above the last one of training, {Noise.Steps - 1}. Take fewer steps.");
        return timestep >= 0 ? Noise.AlphasCumulative[timestep] : Config.SetAlphaToOne ?? false ? 1 : Noise.AlphasCumulative[0];
    }

    private static void Replace(ref Tensor? kept, Tensor? with)
    {
        kept?.Dispose();
        kept = with?.DetachFromDisposeScope();
    }
}
