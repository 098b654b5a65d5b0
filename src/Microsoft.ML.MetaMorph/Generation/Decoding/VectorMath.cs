using System.Numerics;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>The small operations of a decoding step on rows of floats, in vectors of whatever width the CPU has.</summary>
internal static unsafe class VectorMath
{
    public static float Dot(float* a, float* b, int count)
    {
        int lanes = Vector<float>.Count, i = 0;
        Vector<float> s0 = default, s1 = default;
        for (; i + 2 * lanes <= count; i += 2 * lanes)
        {
            s0 = Vector.FusedMultiplyAdd(Vector.Load(a + i), Vector.Load(b + i), s0);
            s1 = Vector.FusedMultiplyAdd(Vector.Load(a + i + lanes), Vector.Load(b + i + lanes), s1);
        }
        for (; i + lanes <= count; i += lanes) s0 = Vector.FusedMultiplyAdd(Vector.Load(a + i), Vector.Load(b + i), s0);
        float sum = Vector.Sum(s0 + s1);
        for (; i < count; i++) sum += a[i] * b[i];
        return sum;
    }

    /// <summary><c>x / √(mean(x²) + ε) · weight</c>; source and target may be the same.</summary>
    public static void RmsNorm(float* source, float* weight, float* target, int count, float epsilon)
    {
        float scale = 1 / MathF.Sqrt(Dot(source, source, count) / count + epsilon);
        int lanes = Vector<float>.Count, i = 0;
        var scales = new Vector<float>(scale);
        for (; i + lanes <= count; i += lanes) Vector.Store(Vector.Load(source + i) * scales * Vector.Load(weight + i), target + i);
        for (; i < count; i++) target[i] = source[i] * scale * weight[i];
    }

    /// <summary>Divides by the Euclidean norm (at least 1e-12, as PyTorch's <c>normalize</c>).</summary>
    public static void Normalize(float* values, int count)
    {
        float scale = 1 / MathF.Max(MathF.Sqrt(Dot(values, values, count)), 1e-12f);
        for (int i = 0; i < count; i++) values[i] *= scale;
    }

    /// <summary>Turns the pairs (i, i + half) by the angles whose cosines and sines are given.</summary>
    public static void Rotate(float* head, float* cosines, float* sines, int half)
    {
        float* upper = head + half;
        int lanes = Vector<float>.Count, i = 0;
        for (; i + lanes <= half; i += lanes)
        {
            Vector<float> a = Vector.Load(head + i), b = Vector.Load(upper + i), c = Vector.Load(cosines + i), s = Vector.Load(sines + i);
            Vector.Store(a * c - b * s, head + i);
            Vector.Store(b * c + a * s, upper + i);
        }
        for (; i < half; i++)
        {
            float a = head[i], b = upper[i];
            head[i] = a * cosines[i] - b * sines[i];
            upper[i] = b * cosines[i] + a * sines[i];
        }
    }

    /// <summary><c>gate = gate · σ(gate) · up</c>.</summary>
    public static void SiluGate(float* gate, float* up, int count)
    {
        int lanes = Vector<float>.Count, i = 0;
        for (; i + lanes <= count; i += lanes)
        {
            Vector<float> g = Vector.Load(gate + i);
            Vector.Store(g / (Vector<float>.One + Vector.Exp(-g)) * Vector.Load(up + i), gate + i);
        }
        for (; i < count; i++) gate[i] = gate[i] / (1 + MathF.Exp(-gate[i])) * up[i];
    }

    /// <summary>Replaces scores by their softmax.</summary>
    public static void SoftmaxInPlace(float* scores, int count)
    {
        float max = Softmax.Max(new ReadOnlySpan<float>(scores, count));
        int lanes = Vector<float>.Count, i = 0;
        var shift = new Vector<float>(max);
        Vector<float> sums = default;
        for (; i + lanes <= count; i += lanes)
        {
            Vector<float> e = Vector.Exp(Vector.Load(scores + i) - shift);
            Vector.Store(e, scores + i);
            sums += e;
        }
        float sum = Vector.Sum(sums);
        for (; i < count; i++) sum += scores[i] = MathF.Exp(scores[i] - max);
        float scale = 1 / sum;
        var scales = new Vector<float>(scale);
        for (i = 0; i + lanes <= count; i += lanes) Vector.Store(Vector.Load(scores + i) * scales, scores + i);
        for (; i < count; i++) scores[i] *= scale;
    }

    /// <summary><c>target[c] = Σ weights[t] · rows[t, c]</c> for <paramref name="count"/> rows of <paramref name="width"/> floats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void WeightedSum(float* weights, float* rows, int count, int width, float* target)
    {
        int lanes = Vector<float>.Count, c = 0;
        for (; c + 4 * lanes <= width; c += 4 * lanes)
        {
            Vector<float> s0 = default, s1 = default, s2 = default, s3 = default;
            float* row = rows + c;
            for (int t = 0; t < count; t++, row += width)
            {
                var w = new Vector<float>(weights[t]);
                s0 = Vector.FusedMultiplyAdd(w, Vector.Load(row), s0);
                s1 = Vector.FusedMultiplyAdd(w, Vector.Load(row + lanes), s1);
                s2 = Vector.FusedMultiplyAdd(w, Vector.Load(row + 2 * lanes), s2);
                s3 = Vector.FusedMultiplyAdd(w, Vector.Load(row + 3 * lanes), s3);
            }
            Vector.Store(s0, target + c);
            Vector.Store(s1, target + c + lanes);
            Vector.Store(s2, target + c + 2 * lanes);
            Vector.Store(s3, target + c + 3 * lanes);
        }
        for (; c + lanes <= width; c += lanes)
        {
            Vector<float> s = default;
            for (int t = 0; t < count; t++) s = Vector.FusedMultiplyAdd(new Vector<float>(weights[t]), Vector.Load(rows + (long)t * width + c), s);
            Vector.Store(s, target + c);
        }
        for (; c < width; c++)
        {
            float s = 0;
            for (int t = 0; t < count; t++) s += weights[t] * rows[(long)t * width + c];
            target[c] = s;
        }
    }

    /// <summary>The exact GELU, <c>x · Φ(x)</c>.</summary>
    public static void Gelu(float* values, int count)
    {
        for (int i = 0; i < count; i++) values[i] = (float)(values[i] * 0.5 * (1 + ErrorFunction.Erf(values[i] * 0.70710678118654752440)));
    }
}
