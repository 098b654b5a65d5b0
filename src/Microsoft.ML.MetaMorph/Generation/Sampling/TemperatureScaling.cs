using System.Numerics;
using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>Divides the logits: below 1 sharpens the distribution, above 1 flattens it.</summary>
internal static class TemperatureScaling
{
    public static void Apply(Span<float> logits, float temperature)
    {
        if (temperature == 1) return;
        Span<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        var divisor = new Vector<float>(temperature);
        for (int i = 0; i < vectors.Length; i++) vectors[i] /= divisor;
        for (int i = vectors.Length * Vector<float>.Count; i < logits.Length; i++) logits[i] /= temperature;
    }
}
