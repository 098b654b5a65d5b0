using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.MetaMorph;

/// <summary>256-bit vectors with fused multiply-add and prefetching (x64 with AVX2 and FMA). Wider vectors gain nothing here: memory is the limit.</summary>
internal readonly unsafe struct FusedDot : IDotProduct
{
    private const int Block = 16;                 // columns: two vectors
    private const int PrefetchBytes = 1024;

    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    public static string Name => "AVX2";

    public static int Lanes => Block / 2;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot<TStored>(byte* row, float* x, int columns)
        where TStored : struct, IStoredWeights
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default;
        int whole = columns / Block * Block, c = 0;
        for (; c + 2 * Block <= whole; c += 2 * Block)
        {
            byte* at = row + c * TStored.Size;
            Sse.Prefetch0(at + PrefetchBytes);
            if (TStored.Size == sizeof(float)) Sse.Prefetch0(at + PrefetchBytes + 64);
            TStored.Block(at, out Vector256<float> w0, out Vector256<float> w1);
            TStored.Block(at + Block * TStored.Size, out Vector256<float> w2, out Vector256<float> w3);
            a0 = Fma.MultiplyAdd(w0, Vector256.Load(x + c), a0);
            a1 = Fma.MultiplyAdd(w1, Vector256.Load(x + c + 8), a1);
            a2 = Fma.MultiplyAdd(w2, Vector256.Load(x + c + 16), a2);
            a3 = Fma.MultiplyAdd(w3, Vector256.Load(x + c + 24), a3);
        }
        if (c < whole)
        {
            TStored.Block(row + c * TStored.Size, out Vector256<float> w0, out Vector256<float> w1);
            a0 = Fma.MultiplyAdd(w0, Vector256.Load(x + c), a0);
            a1 = Fma.MultiplyAdd(w1, Vector256.Load(x + c + 8), a1);
        }
        float sum = Vector256.Sum((a0 + a1) + (a2 + a3));
        for (c = whole; c < columns; c++) sum += TStored.Single(row, c) * x[c];
        return sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Dot<TStored>(byte* row, float* x0, float* x1, int columns, out float dot0, out float dot1)
        where TStored : struct, IStoredWeights
    {
        Vector256<float> a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        int whole = columns / Block * Block, c = 0;
        for (; c + 2 * Block <= whole; c += 2 * Block)
        {
            byte* at = row + c * TStored.Size;
            Sse.Prefetch0(at + PrefetchBytes);
            if (TStored.Size == sizeof(float)) Sse.Prefetch0(at + PrefetchBytes + 64);
            TStored.Block(at, out Vector256<float> w0, out Vector256<float> w1);
            TStored.Block(at + Block * TStored.Size, out Vector256<float> w2, out Vector256<float> w3);
            a0 = Fma.MultiplyAdd(w0, Vector256.Load(x0 + c), a0);
            b0 = Fma.MultiplyAdd(w0, Vector256.Load(x1 + c), b0);
            a1 = Fma.MultiplyAdd(w1, Vector256.Load(x0 + c + 8), a1);
            b1 = Fma.MultiplyAdd(w1, Vector256.Load(x1 + c + 8), b1);
            a2 = Fma.MultiplyAdd(w2, Vector256.Load(x0 + c + 16), a2);
            b2 = Fma.MultiplyAdd(w2, Vector256.Load(x1 + c + 16), b2);
            a3 = Fma.MultiplyAdd(w3, Vector256.Load(x0 + c + 24), a3);
            b3 = Fma.MultiplyAdd(w3, Vector256.Load(x1 + c + 24), b3);
        }
        if (c < whole)
        {
            TStored.Block(row + c * TStored.Size, out Vector256<float> w0, out Vector256<float> w1);
            a0 = Fma.MultiplyAdd(w0, Vector256.Load(x0 + c), a0);
            b0 = Fma.MultiplyAdd(w0, Vector256.Load(x1 + c), b0);
            a1 = Fma.MultiplyAdd(w1, Vector256.Load(x0 + c + 8), a1);
            b1 = Fma.MultiplyAdd(w1, Vector256.Load(x1 + c + 8), b1);
        }
        dot0 = Vector256.Sum((a0 + a1) + (a2 + a3));
        dot1 = Vector256.Sum((b0 + b1) + (b2 + b3));
        for (c = whole; c < columns; c++)
        {
            float w = TStored.Single(row, c);
            dot0 += w * x0[c];
            dot1 += w * x1[c];
        }
    }
}
