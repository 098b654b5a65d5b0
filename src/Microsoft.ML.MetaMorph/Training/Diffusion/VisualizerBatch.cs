using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures of one optimizer step and their visual tokens.</summary>
/// <param name="Pictures"><c>[b, 3, H, W]</c> in 0 … 1, float32.</param>
/// <param name="VisualTokens"><c>[b, N, D]</c>, float32.</param>
/// <param name="Rows">The pictures' numbers in the training data, for messages; null: counted.</param>
/// <param name="Next">Where their stream goes on; null where nobody tells.</param>
internal sealed record VisualizerBatch(Tensor Pictures, Tensor VisualTokens, IReadOnlyList<long>? Rows = null, StreamPlace? Next = null) : IPictureBatch
{
    public long Count => Pictures.shape[0];

    /// <summary>Checks that pictures and tokens belong together and that the visualizer can take the pictures.</summary>
    /// <exception cref="ArgumentException">They do not; shapes are named.</exception>
    public void Check(IDenoiser denoiser, IPictureCodec codec)
    {
        int multiple = codec.Scale * denoiser.SizeMultiple;
        if (Pictures.dim() != 4 || Pictures.shape[0] == 0 || Pictures.shape[1] != 3) throw new ArgumentException($"Pictures have the shape [{string.Join(", ", Pictures.shape)}]; [b, 3, height, width] is needed.");
        if (Pictures.shape[2] % multiple != 0 || Pictures.shape[3] % multiple != 0)
            throw new ArgumentException($"Pictures of {Pictures.shape[3]}x{Pictures.shape[2]} pixels: this visualizer needs multiples of {multiple} ({codec.Scale} pixels along a side of a sample's pixel, times {denoiser.SizeMultiple} for the network's halvings).");
        if (VisualTokens.dim() != 3 || VisualTokens.shape[0] != Count) throw new ArgumentException($"There are {Count} pictures, and visual tokens of the shape [{string.Join(", ", VisualTokens.shape)}]; [{Count}, tokens, width] is needed.");
        if (Rows is not null && Rows.Count != Count) throw new ArgumentException($"There are {Count} pictures and {Rows.Count} row numbers.");
    }

    public void Dispose()
    {
        Pictures.Dispose();
        VisualTokens.Dispose();
    }
}
