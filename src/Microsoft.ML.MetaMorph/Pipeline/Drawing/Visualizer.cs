namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Draws pictures from visual tokens: an adapter, a denoising network conditioned on the tokens, and an autoencoder (or none, where pixels
/// themselves are denoised).
/// </summary>
/// <remarks>
/// A handle on weights that any number of transformers share; the weights are freed when the handle and all of them are disposed.
/// Safe for use from several threads; drawings take turns.
/// </remarks>
public sealed class Visualizer : IDisposable
{
    private readonly Lease<DrawingModel> _model;

    internal Visualizer(Lease<DrawingModel> model)
    {
        _model = model.HeldBy(typeof(Visualizer));
        VisualizerConfig config = model.Value.Config;
        VisualTokenCount = config.Adapter.ExactTokens;
        VisualTokenWidth = config.Adapter.InputWidth;
        (PictureHeight, PictureWidth) = model.Value.PictureSize;
    }

    /// <summary>N: visual tokens a picture; null where its configuration does not tell it: it then draws from any number up to 77, or, with learned queries (<c>xattn</c>, <c>xattnffn</c>), from any.</summary>
    public int? VisualTokenCount { get; }

    /// <summary>D: the width of a visual token.</summary>
    public int VisualTokenWidth { get; }

    /// <summary>Height in pixels of the pictures that it was trained with, which it draws unless <see cref="ImageGenerationOptions.Height"/> asks for another.</summary>
    public int PictureHeight { get; }

    /// <summary>Width in pixels of the pictures that it was trained with, which it draws unless <see cref="ImageGenerationOptions.Width"/> asks for another.</summary>
    public int PictureWidth { get; }

    /// <summary>
    /// Opens a visualizer: a diffusers folder with an <c>adapter</c> beside <c>unet</c>, <c>vae</c> and <c>scheduler</c>, or the files of the published
    /// MetaMorph's layout (<c>adapter_checkpoint.pt</c>, <c>unet_checkpoint.pt</c>, <c>model_config.json</c>) with a Stable Diffusion folder.
    /// </summary>
    /// <param name="folder">The folder, or the name (<c>org/name</c>) of a model in the local Hugging Face cache.</param>
    /// <param name="options">What else to open and how to compute; null for the defaults.</param>
    /// <returns>The visualizer. Weights are mapped, not copied.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">A part is missing or broken, or two parts do not fit.</exception>
    /// <exception cref="NotSupportedException">A configuration has an option that this library does not compute; it is named.</exception>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is.</exception>
    public static Visualizer Load(string folder, VisualizerOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options ??= new VisualizerOptions();
        OptionRange.Check(nameof(options.Precision), options.Precision);
        return new Visualizer(new Lease<DrawingModel>(DrawingModelFolder.Open(folder, options)));
    }

    /// <summary>Writes a folder that <see cref="Load"/> opens, and diffusers too where there is an autoencoder; files of the same names are replaced.</summary>
    /// <param name="folder">The folder; it is made where it does not exist.</param>
    /// <remarks>diffusers has no place for the adapter and passes over it, and none for a visualizer that denoises pixels, of which it opens <c>unet</c> alone.</remarks>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _model.Value.Save(folder);
    }

    /// <summary>
    /// Writes adapter and network as the files of the published MetaMorph's layout: <c>adapter_checkpoint.pt</c>, <c>unet_checkpoint.pt</c> and
    /// <c>model_config.json</c>. Files of the same names are replaced.
    /// </summary>
    /// <param name="folder">The folder; it is made where it does not exist.</param>
    /// <remarks>
    /// Autoencoder, scheduler and the network's configuration are not part of that layout: <see cref="Load"/> takes them from the
    /// <see cref="VisualizerOptions.StableDiffusionFolder"/>, whose network must have the same shape. <c>global_step</c> is written as 0.
    /// </remarks>
    public void SaveCheckpoint(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _model.Value.SaveCheckpoint(folder);
    }

    /// <summary>Lets go of the weights; transformers made from this handle keep them.</summary>
    public void Dispose() => _model.Dispose();

    /// <summary>Checks options that only the visualizer can judge.</summary>
    internal void Require(ImageGenerationOptions options, bool started) => _model.Value.Require(options, started);

    /// <summary>A hold for a transformer.</summary>
    internal Lease<DrawingModel> Share() => _model.Share();
}
