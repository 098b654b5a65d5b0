namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A picture autoencoder (the variational one of Stable Diffusion's shape): pictures become small latents, and latents pictures. A visualizer
/// that is trained with it denoises latents instead of pixels.
/// </summary>
/// <remarks>
/// A handle on weights that any number of transformers share; the weights are freed when the handle and all of them are disposed.
/// Safe for use from several threads; calls take turns.
/// </remarks>
public sealed class ImageAutoencoder : IDisposable
{
    private readonly Lease<AutoencoderModel> _model;

    internal ImageAutoencoder(Lease<AutoencoderModel> model)
    {
        _model = model.HeldBy(typeof(ImageAutoencoder));
        AutoencoderKLConfig config = model.Value.Config;
        PictureSize = model.Value.PictureSize;
        LatentChannels = config.LatentChannels;
        PixelsPerLatent = config.Downscale;
        ScalingFactor = config.ScalingFactor;
    }

    /// <summary>Height and width in pixels of the pictures that it was trained with.</summary>
    public int PictureSize { get; }

    /// <summary>Channels of a latent.</summary>
    public int LatentChannels { get; }

    /// <summary>Pixels along a side of a picture for one of its latent.</summary>
    public int PixelsPerLatent { get; }

    /// <summary>Latents are multiplied by it before they are denoised, so that they vary by about 1.</summary>
    public double ScalingFactor { get; }

    /// <summary>Opens the autoencoder of a diffusers folder: its <c>vae</c>, or that folder itself.</summary>
    /// <param name="folder">The folder, or the name (<c>org/name</c>) of a model in the local Hugging Face cache.</param>
    /// <param name="variant">Which of several stored precisions is read, such as <c>fp16</c>. Null: the files without one in their names.</param>
    /// <param name="precision">In which element type convolutions are computed.</param>
    /// <returns>The autoencoder. Weights are mapped, not copied.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">There is no autoencoder, or it is broken.</exception>
    /// <exception cref="NotSupportedException">Its configuration has an option that this library does not compute; it is named.</exception>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is.</exception>
    public static ImageAutoencoder Load(string folder, string? variant = null, Precision precision = Precision.Auto)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        OptionRange.Check(nameof(precision), precision);
        return new ImageAutoencoder(new Lease<AutoencoderModel>(AutoencoderZip.Open(folder, variant, precision)));
    }

    /// <summary>Writes <c>vae/config.json</c> and <c>vae/diffusion_pytorch_model.safetensors</c>, which <see cref="Load"/> and diffusers open; files of the same names are replaced.</summary>
    /// <param name="folder">The folder; it is made where it does not exist.</param>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _model.Value.Save(folder);
    }

    /// <summary>Lets go of the weights; transformers made from this handle keep them.</summary>
    public void Dispose() => _model.Dispose();

    /// <summary>A hold for a training.</summary>
    internal Lease<AutoencoderModel> Share() => _model.Share();
}
