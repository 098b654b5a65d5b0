namespace Microsoft.ML.MetaMorph;

/// <summary>The noise ratios σ = √(1 − ᾱ)/√ᾱ of training's timesteps, and those of a sampling among them.</summary>
internal sealed class SigmaTable
{
    private const double KarrasPower = 7;
    private readonly double[] _sigmas;
    private readonly double[] _logs;

    public SigmaTable(NoiseSchedule noise)
    {
        _sigmas = [.. Enumerable.Range(0, noise.Steps).Select(noise.NoiseRatio)];
        _logs = [.. _sigmas.Select(sigma => (double)(float)Math.Log(sigma))];
    }

    public double Least => _sigmas[0];

    public double Largest => _sigmas[^1];

    /// <summary>σ at a timestep, on a line between the whole ones and level beyond them.</summary>
    public double At(double timestep)
    {
        if (timestep <= 0) return _sigmas[0];
        if (timestep >= _sigmas.Length - 1) return _sigmas[^1];
        int below = (int)timestep;
        return _sigmas[below] + (timestep - below) * (_sigmas[below + 1] - _sigmas[below]);
    }

    /// <summary>The timestep of a σ, on a line of the logarithms.</summary>
    public double TimestepOf(double sigma)
    {
        double log = Math.Log(Math.Max(sigma, 1e-10));
        int low = Math.Clamp(Below(log), 0, Math.Max(0, _logs.Length - 2)), high = Math.Min(low + 1, _logs.Length - 1);
        double share = low == high ? 0 : Math.Clamp((_logs[low] - log) / (_logs[low] - _logs[high]), 0, 1);
        return (1 - share) * low + share * high;
    }

    /// <summary><paramref name="count"/> falling noise ratios.</summary>
    public static double[] Spaced(SigmaSpacing spacing, double largest, double least, int count) => spacing switch
    {
        SigmaSpacing.Karras => [.. TimestepSequence.Linspace(0, 1, count).Select(share => Math.Pow(Root(largest) + share * (Root(least) - Root(largest)), KarrasPower))],
        SigmaSpacing.Exponential or SigmaSpacing.LogSignalToNoise => [.. TimestepSequence.Linspace(Math.Log(largest), Math.Log(least), count).Select(Math.Exp)],
        _ => throw new ArgumentOutOfRangeException(nameof(spacing), spacing, "These noise ratios follow the timesteps."),
    };

    /// <summary>The last timestep whose σ is not above the given one.</summary>
    private int Below(double log)
    {
        int found = Array.BinarySearch(_logs, log);
        return found >= 0 ? found : ~found - 1;
    }

    private static double Root(double sigma) => Math.Pow(sigma, 1 / KarrasPower);
}
