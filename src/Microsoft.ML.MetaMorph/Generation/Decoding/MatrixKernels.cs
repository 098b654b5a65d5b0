namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The product of a stored weight with one or a few rows of float32 activations: the whole cost of decoding, which should run as fast
/// as the weights can be read from memory.
/// </summary>
/// <remarks>
/// What one element of the result is does not depend on how many rows of activations are computed together, nor on how the rows of
/// the weight are cut among threads: a response is the same to the bit alone and in a batch.
/// </remarks>
internal abstract unsafe class MatrixKernels
{
    /// <summary>The fastest kernels of this CPU, or the portable ones with <c>METAMORPH_SIMD=portable</c>.</summary>
    public static MatrixKernels Best { get; } =
        FusedDot.IsSupported && Environment.GetEnvironmentVariable("METAMORPH_SIMD") != "portable" ? new MatrixKernels<FusedDot>() : new MatrixKernels<PortableDot>();

    public abstract string Name { get; }

    /// <summary>Half the width of a block: the number of floats in a vector.</summary>
    protected abstract int Lanes { get; }

    /// <summary>Copies <paramref name="columns"/> activations into the order in which 16-bit weights are read: in each block, first the even, then the odd ones.</summary>
    public void Arrange(float* activations, float* arranged, int columns)
    {
        int lanes = Lanes, block = 2 * lanes, whole = columns / block * block;
        for (int start = 0; start < whole; start += block)
        {
            for (int i = 0; i < lanes; i++)
            {
                arranged[start + i] = activations[start + 2 * i];
                arranged[start + lanes + i] = activations[start + 2 * i + 1];
            }
        }
        for (int i = whole; i < columns; i++) arranged[i] = activations[i];
    }

    /// <summary><c>y[j, r] = (accumulate ? y[j, r] : 0) + Σ w[r, c] · x[j, c] + bias[r]</c> for the rows r of the weight from <paramref name="begin"/> up to <paramref name="end"/>.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="x"><paramref name="count"/> rows of activations, arranged where the weight has 16-bit elements.</param>
    /// <param name="xStride">Floats from one row of activations to the next.</param>
    /// <param name="count">How many rows of activations.</param>
    /// <param name="y">The result; row j of it starts at <c>y + j · yStride</c>.</param>
    /// <param name="yStride">Floats from one row of the result to the next.</param>
    /// <param name="accumulate">Whether to add to what y holds.</param>
    /// <param name="begin">First row of the weight.</param>
    /// <param name="end">One after the last.</param>
    public abstract void Multiply(in WeightMatrix weight, float* x, int xStride, int count, float* y, int yStride, bool accumulate, int begin, int end);
}

/// <summary>The walk over the rows of a weight, compiled for one way of computing a dot product.</summary>
internal sealed unsafe class MatrixKernels<TDot> : MatrixKernels
    where TDot : struct, IDotProduct
{
    public override string Name => TDot.Name;

    protected override int Lanes => TDot.Lanes;

    public override void Multiply(in WeightMatrix weight, float* x, int xStride, int count, float* y, int yStride, bool accumulate, int begin, int end)
    {
        switch (weight.Element)
        {
            case WeightElement.Float32: Multiply<Float32Weights>(weight, x, xStride, count, y, yStride, accumulate, begin, end); break;
            case WeightElement.BFloat16: Multiply<BFloat16Weights>(weight, x, xStride, count, y, yStride, accumulate, begin, end); break;
            case WeightElement.Float16: Multiply<Float16Weights>(weight, x, xStride, count, y, yStride, accumulate, begin, end); break;
            default: throw new ArgumentOutOfRangeException(nameof(weight), weight.Element, "Unknown element type of a weight.");
        }
    }

    private static void Multiply<TStored>(in WeightMatrix weight, float* x, int xStride, int count, float* y, int yStride, bool accumulate, int begin, int end)
        where TStored : struct, IStoredWeights
    {
        int columns = weight.Columns;
        var bias = (float*)weight.Bias;
        byte* row = (byte*)weight.Address + (long)begin * weight.RowBytes;
        for (int r = begin; r < end; r++, row += weight.RowBytes)
        {
            float offset = bias is null ? 0 : bias[r];
            int j = 0;
            for (; j + 1 < count; j += 2)
            {
                float* y0 = y + (long)j * yStride + r, y1 = y0 + yStride;
                TDot.Dot<TStored>(row, x + (long)j * xStride, x + (long)(j + 1) * xStride, columns, out float dot0, out float dot1);
                *y0 = (accumulate ? *y0 : 0) + (dot0 + offset);
                *y1 = (accumulate ? *y1 : 0) + (dot1 + offset);
            }
            if (j == count) continue;
            float* last = y + (long)j * yStride + r;
            *last = (accumulate ? *last : 0) + (TDot.Dot<TStored>(row, x + (long)j * xStride, columns) + offset);
        }
    }
}
