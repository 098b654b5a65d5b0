namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Chooses the tokens of one row. It owns its generator: one draw a token, taken on the CPU, so a seed gives the same answer for a
/// row alone, in a batch, and whatever device computes the logits.
/// </summary>
internal sealed class TokenSampler(GenerationOptions options, long seed)
{
    /// <summary>What <see cref="Next"/> gives where every token is banned.</summary>
    public const int Nothing = -1;

    private ulong _state = unchecked((ulong)seed);
    private float[] _masses = [];

    /// <summary>Applies the processors of the options to <paramref name="logits"/> (in place) and chooses an id.</summary>
    public int Next(Span<float> logits, ReadOnlySpan<int> history)
    {
        LogitsProcessors.Apply(logits, history, options);
        return options.IsGreedy ? Largest(logits) : Draw(logits);
    }

    /// <summary>The first of the largest logits, as PyTorch's argmax gives it.</summary>
    public static int Largest(ReadOnlySpan<float> logits)
    {
        float max = Softmax.Max(logits);
        return float.IsNegativeInfinity(max) ? Nothing : logits.IndexOf(max);
    }

    private int Draw(ReadOnlySpan<float> logits)
    {
        double position = Uniform();                                   // drawn even if nothing is left, so that later draws do not move
        if (_masses.Length < logits.Length) _masses = new float[logits.Length];
        double remaining = position * Softmax.Exponentials(logits, _masses);
        int last = Nothing;
        for (int id = 0; id < logits.Length; id++)
        {
            if (_masses[id] == 0) continue;
            last = id;
            remaining -= _masses[id];
            if (remaining < 0) return id;
        }
        return last;
    }

    /// <summary>SplitMix64 (Steele, Lea, Flood 2014): 53 random bits in [0, 1).</summary>
    private double Uniform()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong z = _state;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1ul << 53));
    }
}
