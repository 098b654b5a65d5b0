using System.Numerics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>Numerically safe exponentials of a row of logits; −∞ has no mass.</summary>
internal static class Softmax
{
    public static float Max(ReadOnlySpan<float> logits)
    {
        float max = float.NegativeInfinity;
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        if (vectors.Length > 0)
        {
            Vector<float> maxima = vectors[0];
            foreach (Vector<float> vector in vectors) maxima = Vector.Max(maxima, vector);
            for (int i = 0; i < Vector<float>.Count; i++) max = Math.Max(max, maxima[i]);
        }
        foreach (float logit in logits[(vectors.Length * Vector<float>.Count)..]) max = Math.Max(max, logit);
        return max;
    }

    /// <summary>Writes exp(logit − max) for every logit and gives their sum; the sum is 0 where every logit is −∞.</summary>
    public static double Exponentials(ReadOnlySpan<float> logits, Span<float> masses)
    {
        float max = Max(logits);
        if (float.IsNegativeInfinity(max))
        {
            masses.Clear();
            return 0;
        }
        ReadOnlySpan<Vector<float>> input = MemoryMarshal.Cast<float, Vector<float>>(logits);
        Span<Vector<float>> output = MemoryMarshal.Cast<float, Vector<float>>(masses);
        var shift = new Vector<float>(max);
        for (int i = 0; i < input.Length; i++) output[i] = Vector.Exp(input[i] - shift);
        for (int i = input.Length * Vector<float>.Count; i < logits.Length; i++) masses[i] = MathF.Exp(logits[i] - max);
        double total = 0;
        foreach (float mass in masses[..logits.Length]) total += mass;
        return total;
    }

    /// <summary>The log of the probability of <paramref name="id"/>.</summary>
    public static float LogProbability(ReadOnlySpan<float> logits, int id, Span<float> scratch)
    {
        double total = Exponentials(logits, scratch);
        return (float)(logits[id] - Max(logits) - Math.Log(total));
    }
}
