namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Both towers of a SigLIP or SigLIP 2: pictures and texts become vectors of one space, in which those that belong together lie close
/// (arXiv 2303.15343, arXiv 2502.14786). <c>EmbedImages</c>, <c>EmbedTexts</c> and <c>ClassifyZeroShot</c> compute with it.
/// </summary>
/// <remarks>
/// <para>A picture's vector is that of the attention pooling head, a text's that of its last position; both have length 1. Texts are made ready
/// as the towers were trained: SigLIP's in lower case and without punctuation, SigLIP 2's in lower case, cut and padded to the tower's length.</para>
/// <para>A handle on weights that any number of transformers share; the weights are freed when the handle and all of them are disposed.
/// Safe for use from several threads; calls of the towers take turns.</para>
/// </remarks>
public sealed class LanguageImageEncoder : IDisposable
{
    private readonly Lease<LanguageImageEncoderModel> _model;

    internal LanguageImageEncoder(Lease<LanguageImageEncoderModel> model)
    {
        _model = model.HeldBy(typeof(LanguageImageEncoder));
        LanguageImageEncoderSettings settings = model.Value.Settings;
        VectorLength = settings.VectorLength;
        MaximumTextLength = settings.Text.MaxPositions;
        ImageSize = (settings.Image.Vision as SiglipVisionConfig)?.ImageSize;
        MaximumPatchCount = settings.Image.Preprocessing.Naflex ? settings.Image.Preprocessing.MaximumPatches : null;
    }

    /// <summary>D: the length of a vector.</summary>
    public int VectorLength { get; }

    /// <summary>The tokens of a text at most, its end included; longer ones are cut.</summary>
    public int MaximumTextLength { get; }

    /// <summary>Height and width in pixels to which pictures are brought; null where they keep their shape (SigLIP 2 NaFlex).</summary>
    public int? ImageSize { get; }

    /// <summary>The patches of a picture at most where pictures keep their shape (SigLIP 2 NaFlex); null where they have one size.</summary>
    public int? MaximumPatchCount { get; }

    internal LanguageImageEncoderModel Model => _model.Value;

    /// <summary>Opens a folder in Hugging Face layout with both towers: a SigLIP, or a SigLIP 2 (NaFlex or of one picture size).</summary>
    /// <param name="folder">The folder, or the name (<c>org/name</c>) of a model in the local Hugging Face cache: with <c>config.json</c>, <c>preprocessor_config.json</c>, <c>tokenizer.json</c> and <c>model*.safetensors</c> (or <c>pytorch_model*.bin</c>).</param>
    /// <param name="options">How it is opened; null for what the folder says.</param>
    /// <returns>The encoder. Weights are mapped, not copied.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is broken, of another model, or has no text tower or no pooling head.</exception>
    /// <exception cref="ArgumentException">The options do not fit the towers.</exception>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is; told before they are loaded.</exception>
    public static LanguageImageEncoder Load(string folder, LanguageImageEncoderOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options ??= new LanguageImageEncoderOptions();
        options.Validate();
        return new LanguageImageEncoder(new Lease<LanguageImageEncoderModel>(LanguageImageEncoderFolder.Open(folder, options)));
    }

    /// <summary>Writes a folder in the published layout, which <see cref="Load"/>, <see cref="ImageEncoder.Load"/> and other libraries open; files of the same names are replaced.</summary>
    /// <param name="folder">The folder; it is made where it does not exist.</param>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        LanguageImageEncoderFolder.Save(_model.Value, folder);
    }

    /// <summary>Lets go of the weights; transformers made from this handle keep them.</summary>
    public void Dispose() => _model.Dispose();

    /// <summary>A hold for a transformer.</summary>
    internal Lease<LanguageImageEncoderModel> Share() => _model.Share();
}
