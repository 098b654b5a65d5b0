namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The frozen image encoder: a SigLIP or SigLIP 2 vision tower, its preprocessing, and the reduction of its patches to N visual tokens of width D.
/// </summary>
/// <remarks>
/// <para>Towers of one picture size bring every picture to that size. SigLIP 2 NaFlex keeps a picture's shape: it becomes as many patches as
/// fit a limit, in its own grid, and that grid is stretched to √N × √N tokens. Either way a picture has N tokens.</para>
/// <para>A handle on weights that any number of transformers share; the weights are freed when the handle and all of them are disposed.
/// Safe for use from several threads; calls of the tower take turns.</para>
/// </remarks>
public sealed class ImageEncoder : IDisposable
{
    private readonly Lease<ImageEncoderModel> _model;

    internal ImageEncoder(Lease<ImageEncoderModel> model)
    {
        _model = model.HeldBy(typeof(ImageEncoder));
        ImageEncoderSettings settings = model.Value.Settings;
        VisualTokenCount = settings.Tokens.Count;
        VisualTokenWidth = settings.TokenWidth;
        ImageSize = (settings.Vision as SiglipVisionConfig)?.ImageSize;
        MaximumPatchCount = settings.Preprocessing.Naflex ? settings.Preprocessing.MaximumPatches : null;
    }

    /// <summary>N: visual tokens a picture.</summary>
    public int VisualTokenCount { get; }

    /// <summary>D: the width of a visual token.</summary>
    public int VisualTokenWidth { get; }

    /// <summary>Height and width in pixels to which pictures are brought; null where they keep their shape (SigLIP 2 NaFlex).</summary>
    public int? ImageSize { get; }

    /// <summary>The patches of a picture at most where pictures keep their shape (SigLIP 2 NaFlex); null where they have one size.</summary>
    public int? MaximumPatchCount { get; }

    /// <summary>Opens a folder in Hugging Face layout: a SigLIP, a SigLIP 2 (NaFlex or of one picture size), a vision tower alone, or a MetaMorph that holds one.</summary>
    /// <param name="folder">The folder, or the name (<c>org/name</c>) of a model in the local Hugging Face cache: with <c>config.json</c>, <c>preprocessor_config.json</c> and <c>model*.safetensors</c> (or <c>pytorch_model*.bin</c>).</param>
    /// <param name="options">How pictures become tokens; null for what the folder says.</param>
    /// <returns>The encoder. Weights are mapped, not copied.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is broken or of another model.</exception>
    /// <exception cref="ArgumentException">The options do not fit the tower.</exception>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is; told before they are loaded.</exception>
    public static ImageEncoder Load(string folder, ImageEncoderOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options ??= new ImageEncoderOptions();
        options.Validate();
        return new ImageEncoder(new Lease<ImageEncoderModel>(ImageEncoderFolder.Open(folder, options)));
    }

    /// <summary>Writes a folder that <see cref="Load"/> and other libraries open; files of the same names are replaced.</summary>
    /// <param name="folder">The folder; it is made where it does not exist.</param>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ImageEncoderFolder.Save(_model.Value, folder);
    }

    /// <summary>Lets go of the weights; transformers made from this handle keep them.</summary>
    public void Dispose() => _model.Dispose();

    /// <summary>A hold for a transformer.</summary>
    internal Lease<ImageEncoderModel> Share() => _model.Share();
}
