using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// How much of the picture and how much noise a sample of each timestep holds: x = √ᾱ·x₀ + √(1 − ᾱ)·ε (Ho et al., 2020).
/// The tables are float32, computed as diffusers computes them.
/// </summary>
/// <remarks>
/// Visualizers trained from nothing have <see cref="BetaSchedule.SquaredCosine"/>, by default with <see cref="DiffusionPrediction.Sample"/>: the
/// network says the clean picture.
/// </remarks>
internal sealed class NoiseSchedule
{
    private const double LargestBeta = 0.999;
    private readonly float[] _alphasCumulative;

    public NoiseSchedule(SchedulerConfig config)
    {
        float[] betas = config.TrainedBetas is { } trained ? [.. trained] : Betas(config);
        if (config.RescaleBetasZeroSnr) betas = RescaledToZeroTerminalSnr(betas);
        _alphasCumulative = Cumulative(betas);
    }

    private NoiseSchedule(float[] alphasCumulative) => _alphasCumulative = alphasCumulative;

    /// <summary>T, the timesteps of training.</summary>
    public int Steps => _alphasCumulative.Length;

    /// <summary>ᾱ of each timestep.</summary>
    public IReadOnlyList<float> AlphasCumulative => _alphasCumulative;

    /// <summary>The same schedule with a last ᾱ just above zero, so that σ/α is finite there: for samplers that work with that ratio.</summary>
    public NoiseSchedule WithFiniteEnd() => new([.. _alphasCumulative[..^1], 1f / (1 << 24)]);

    /// <summary>√(1 − ᾱ)/√ᾱ: the noise beside a picture of unit weight.</summary>
    public double NoiseRatio(int timestep) => (float)Math.Sqrt((1f - _alphasCumulative[timestep]) / _alphasCumulative[timestep]);

    /// <summary>ᾱ/(1 − ᾱ).</summary>
    public double SignalToNoise(int timestep) => _alphasCumulative[timestep] / (1.0 - _alphasCumulative[timestep]);

    /// <summary>√ᾱ·x₀ + √(1 − ᾱ)·ε.</summary>
    /// <param name="samples"><c>[b, …]</c>.</param>
    /// <param name="noise">Of the same shape.</param>
    /// <param name="timesteps">One for each row.</param>
    public Tensor AddNoise(Tensor samples, Tensor noise, ReadOnlySpan<int> timesteps)
    {
        using var scope = NewDisposeScope();
        (Tensor alpha, Tensor sigma) = Weights(samples, timesteps);
        return (samples * alpha + noise * sigma).MoveToOuterDisposeScope();
    }

    /// <summary>v = √ᾱ·ε − √(1 − ᾱ)·x₀.</summary>
    public Tensor Velocity(Tensor samples, Tensor noise, ReadOnlySpan<int> timesteps)
    {
        using var scope = NewDisposeScope();
        (Tensor alpha, Tensor sigma) = Weights(samples, timesteps);
        return (noise * alpha - samples * sigma).MoveToOuterDisposeScope();
    }

    private (Tensor Alpha, Tensor Sigma) Weights(Tensor like, ReadOnlySpan<int> timesteps)
    {
        if (timesteps.Length != like.shape[0]) throw new ArgumentException($"There are {timesteps.Length} timesteps for {like.shape[0]} samples.", nameof(timesteps));
        var alpha = new float[timesteps.Length];
        var sigma = new float[timesteps.Length];
        for (int i = 0; i < timesteps.Length; i++)
        {
            float cumulative = _alphasCumulative[timesteps[i]];
            (alpha[i], sigma[i]) = (MathF.Sqrt(cumulative), MathF.Sqrt(1 - cumulative));
        }
        long[] shape = [timesteps.Length, .. Enumerable.Repeat(1L, (int)like.dim() - 1)];
        return (tensor(alpha, shape, device: like.device), tensor(sigma, shape, device: like.device));
    }

    private static float[] Betas(SchedulerConfig config) => config.BetaSchedule switch
    {
        BetaSchedule.Linear => Line((float)config.BetaStart, (float)config.BetaEnd, config.TrainingSteps),
        BetaSchedule.ScaledLinear => [.. Line((float)Math.Sqrt(config.BetaStart), (float)Math.Sqrt(config.BetaEnd), config.TrainingSteps).Select(root => root * root)],
        BetaSchedule.SquaredCosine => [.. Enumerable.Range(0, config.TrainingSteps).Select(i => SquaredCosine(i, config.TrainingSteps))],
        _ => throw new ArgumentOutOfRangeException(nameof(config), config.BetaSchedule, "Unknown beta schedule."),
    };

    /// <summary>torch.linspace: from both ends to the middle.</summary>
    private static float[] Line(float begin, float end, int count)
    {
        if (count == 1) return [begin];
        float step = (end - begin) / (count - 1);
        return [.. Enumerable.Range(0, count).Select(i => i < count / 2 ? begin + step * i : end - step * (count - 1 - i))];
    }

    private static float SquaredCosine(int step, int count)
    {
        static double Remaining(double time)
        {
            double cosine = Math.Cos((time + 0.008) / 1.008 * Math.PI / 2);
            return cosine * cosine;
        }
        return (float)Math.Min(1 - Remaining((step + 1.0) / count) / Remaining((double)step / count), LargestBeta);
    }

    /// <summary>Lin et al., 2024, algorithm 1: √ᾱ is shifted and scaled so that it ends at zero and begins where it began.</summary>
    private static float[] RescaledToZeroTerminalSnr(float[] betas)
    {
        float[] roots = [.. Cumulative(betas).Select(MathF.Sqrt)];
        float first = roots[0], last = roots[^1], scale = first / (first - last);
        float[] cumulative = [.. roots.Select(root => (root - last) * scale).Select(root => root * root)];
        return [.. cumulative.Select((value, i) => 1 - (i == 0 ? value : value / cumulative[i - 1]))];
    }

    private static float[] Cumulative(float[] betas)
    {
        var result = new float[betas.Length];
        double product = 1;
        for (int i = 0; i < betas.Length; i++) result[i] = (float)(product *= 1f - betas[i]);
        return result;
    }
}
