using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>SigLIP, and the SigLIP 2 checkpoints of one picture size: every picture is brought to that size.</summary>
internal sealed class SiglipImageEncoding : ImageEncoding
{
    private readonly SiglipVisionConfig _vision;
    private readonly VisualTokenSettings _tokens;
    private readonly SiglipImagePreprocessor _preprocessor;

    public SiglipImageEncoding(SiglipVisionConfig vision, ImageEncoderSettings settings)
    {
        ImagePreprocessorConfig preprocessing = settings.Preprocessing;
        if (preprocessing.Naflex)
            throw new InvalidDataException($"{ImagePreprocessorConfig.FileName} keeps each picture's own shape (SigLIP 2 NaFlex), but the vision tower of config.json takes pictures of {vision.ImageSize}x{vision.ImageSize} (image_size). They do not belong together.");
        if (preprocessing.Height != vision.ImageSize || preprocessing.Width != vision.ImageSize)
            throw new InvalidDataException($"{ImagePreprocessorConfig.FileName} makes pictures of {preprocessing.Width}x{preprocessing.Height}; the vision tower takes {vision.ImageSize}x{vision.ImageSize} (image_size).");
        RequireColour(vision.Channels);
        settings.Tokens.Check(vision, vision.PatchCount);
        _vision = vision;
        _tokens = settings.Tokens;
        _preprocessor = new SiglipImagePreprocessor(preprocessing);
    }

    public override nn.Module Build(ParameterSource parameters) => new SiglipVisionModel(_vision, parameters);

    public override void Check(RgbImage picture) => _preprocessor.Check(picture);

    public override PreparedPictures Prepare(IReadOnlyList<RgbImage> pictures)
        => new(_preprocessor.PreprocessBatch(pictures), [pictures.Count, _vision.Channels, _vision.ImageSize, _vision.ImageSize], []);

    public override Tensor Encode(nn.Module tower, Tensor pictures, PatchGrid[] grids)
        => new VisualTokenEncoder(((SiglipVisionModel)tower).Transformer, _tokens).Encode(pictures);
}
