namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>What one side of a line is asked to do.</summary>
/// <param name="Folder">Model and inputs.</param>
/// <param name="Precision">Auto: at its best for the CPU, weights as they are stored. Float32: weights and arithmetic in float32.</param>
/// <param name="Threads">Threads of libtorch and of the decoder.</param>
/// <param name="Repeats">Timed repeats.</param>
internal sealed record SideOptions(string Folder, Precision Precision, int Threads, int Repeats)
{
    /// <summary>The learning rate of training steps; the PyTorch side has the same default.</summary>
    public const double Rate = 1e-4;
}
