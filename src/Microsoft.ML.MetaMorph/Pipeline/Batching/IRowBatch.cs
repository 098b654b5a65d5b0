namespace Microsoft.ML.MetaMorph;

/// <summary>A buffer of up to so many rows, bound to one input row or cursor, and what the model makes of them.</summary>
internal interface IRowBatch : IDisposable
{
    /// <summary>Copies the inputs of the row on which the input stands into <paramref name="slot"/>.</summary>
    void Read(int slot);

    /// <summary>Calls the model once for the slots from 0 to <paramref name="count"/> − 1.</summary>
    void Run(int count);

    /// <summary>A <see cref="ValueGetter{TValue}"/> of the output's raw type that reads the slot which <paramref name="slot"/> names.</summary>
    Delegate CreateGetter(int output, Func<int> slot);
}
