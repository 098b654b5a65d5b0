using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures of one optimizer step of an autoencoder.</summary>
/// <param name="Pictures"><c>[b, 3, H, W]</c> in 0 … 1, float32.</param>
/// <param name="Rows">The pictures' numbers in the training data, for messages; null: counted.</param>
/// <param name="Next">Where their stream goes on; null where nobody tells.</param>
internal sealed record PictureBatch(Tensor Pictures, IReadOnlyList<long>? Rows = null, StreamPlace? Next = null) : IPictureBatch
{
    public long Count => Pictures.shape[0];

    /// <summary>Checks that the autoencoder can take the pictures.</summary>
    /// <exception cref="ArgumentException">It cannot; shapes are named.</exception>
    public void Check(AutoencoderKLConfig config)
    {
        if (Pictures.dim() != 4 || Pictures.numel() == 0 || Pictures.shape[1] != config.InputChannels)
            throw new ArgumentException($"Pictures have the shape [{string.Join(", ", Pictures.shape)}]; [b, {config.InputChannels}, height, width] is needed.");
        if (Pictures.shape[2] % config.Downscale != 0 || Pictures.shape[3] % config.Downscale != 0)
            throw new ArgumentException($"Pictures of {Pictures.shape[3]}x{Pictures.shape[2]} pixels: this autoencoder needs multiples of {config.Downscale} ({config.BlockChannels.Length - 1} halvings).");
        if (Rows is not null && Rows.Count != Count) throw new ArgumentException($"There are {Count} pictures and {Rows.Count} row numbers.");
    }

    public void Dispose() => Pictures.Dispose();
}
