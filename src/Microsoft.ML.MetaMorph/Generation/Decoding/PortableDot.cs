using System.Numerics;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>The same on any CPU that .NET runs on: vectors of whatever width it has.</summary>
internal readonly unsafe struct PortableDot : IDotProduct
{
    public static string Name => "portable";

    public static int Lanes => Vector<float>.Count;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot<TStored>(byte* row, float* x, int columns)
        where TStored : struct, IStoredWeights
    {
        int lanes = Vector<float>.Count, block = 2 * lanes, whole = columns / block * block;
        Vector<float> a0 = default, a1 = default;
        for (int c = 0; c < whole; c += block)
        {
            TStored.Block(row + c * TStored.Size, out Vector<float> w0, out Vector<float> w1);
            a0 += w0 * Vector.Load(x + c);
            a1 += w1 * Vector.Load(x + c + lanes);
        }
        float sum = Vector.Sum(a0 + a1);
        for (int c = whole; c < columns; c++) sum += TStored.Single(row, c) * x[c];
        return sum;
    }

    public static void Dot<TStored>(byte* row, float* x0, float* x1, int columns, out float dot0, out float dot1)
        where TStored : struct, IStoredWeights
    {
        dot0 = Dot<TStored>(row, x0, columns);
        dot1 = Dot<TStored>(row, x1, columns);
    }
}
