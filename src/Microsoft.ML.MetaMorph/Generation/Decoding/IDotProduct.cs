namespace Microsoft.ML.MetaMorph;

/// <summary>Dot products of a stored row with rows of activations, for one kind of CPU.</summary>
internal unsafe interface IDotProduct
{
    static abstract string Name { get; }

    /// <summary>Floats in a vector: half a block of columns.</summary>
    static abstract int Lanes { get; }

    /// <summary>The dot product of one stored row with one row of activations.</summary>
    static abstract float Dot<TStored>(byte* row, float* x, int columns)
        where TStored : struct, IStoredWeights;

    /// <summary>The same with two rows of activations, to the bit; the weight is widened once.</summary>
    static abstract void Dot<TStored>(byte* row, float* x0, float* x1, int columns, out float dot0, out float dot1)
        where TStored : struct, IStoredWeights;
}
