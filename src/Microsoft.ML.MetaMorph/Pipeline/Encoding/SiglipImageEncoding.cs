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
        RequireSize(preprocessing, vision);
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
