namespace Microsoft.ML.MetaMorph;

/// <summary>The element type in which weights lie in memory.</summary>
internal enum WeightElement
{
    Float32,
    BFloat16,
    Float16,
}

/// <summary>A weight <c>[rows, columns]</c> where it lies, row after row.</summary>
/// <param name="Address">The first element; whoever made the matrix keeps the memory alive.</param>
/// <param name="Element">The type of its elements.</param>
/// <param name="Rows">Outputs.</param>
/// <param name="Columns">Inputs.</param>
/// <param name="Bias">The address of one float for each row, or 0.</param>
internal readonly record struct WeightMatrix(nint Address, WeightElement Element, int Rows, int Columns, nint Bias)
{
    /// <summary>Bytes of one row.</summary>
    public int RowBytes => Columns * (Element == WeightElement.Float32 ? sizeof(float) : sizeof(ushort));

    /// <summary>Writes row <paramref name="row"/> as floats.</summary>
    public unsafe void CopyRow(int row, float* target)
    {
        var at = (byte*)Address + (long)row * RowBytes;
        for (int i = 0; i < Columns; i++)
        {
            target[i] = Element switch
            {
                WeightElement.Float32 => Float32Weights.Single(at, i),
                WeightElement.BFloat16 => BFloat16Weights.Single(at, i),
                _ => Float16Weights.Single(at, i),
            };
        }
    }
}
