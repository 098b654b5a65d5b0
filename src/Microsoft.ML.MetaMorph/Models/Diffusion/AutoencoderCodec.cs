using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The scaled latents of an <see cref="AutoencoderKL"/>.</summary>
/// <param name="autoencoder">Stays the caller's.</param>
/// <param name="tiled">Decodes large resolutions piece by piece: the same pictures with less memory.</param>
internal sealed class AutoencoderCodec(AutoencoderKL autoencoder, bool tiled = false) : IPictureCodec
{
    // Copies of the largest activation at the peak, measured; workspaces of convolutions included.
    private const double WholeCopies = 3.5, TiledCopies = 1.75;

    public int Scale => autoencoder.Config.Downscale;

    public Tensor Encode(Tensor pictures) => Encode(pictures, null);

    /// <summary>The latents of pictures, scaled.</summary>
    /// <param name="pictures"><c>[b, 3, h, w]</c> from −1 to 1.</param>
    /// <param name="noise">Standard normal noise of the result's shape, to draw from the distribution of each latent; null takes its mode.</param>
    public Tensor Encode(Tensor pictures, Tensor? noise)
    {
        using var scope = NewDisposeScope();
        LatentDistribution latents = autoencoder.Encode(pictures);
        return autoencoder.Scale(noise is null ? latents.Mean : latents.Sample(noise)).MoveToOuterDisposeScope();
    }

    public Tensor Decode(Tensor samples)
    {
        using var scope = NewDisposeScope();
        return autoencoder.Decode(autoencoder.Unscale(samples), tiled).MoveToOuterDisposeScope();
    }

    public long RowBytes(int pictureHeight, int pictureWidth)
    {
        int[] channels = autoencoder.Config.BlockChannels;
        long largest = 0;
        for (int level = 0; level < channels.Length; level++)
        {
            // The first residual block of a resolution reads the channels of the smaller one.
            long read = channels[Math.Min(level + 1, channels.Length - 1)], pixels = (long)pictureHeight * pictureWidth >> (2 * level);
            largest = Math.Max(largest, Math.Max(read, channels[level]) * pixels);
        }
        return (long)(largest * sizeof(float) * (tiled ? TiledCopies : WholeCopies));
    }
}
