using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>SigLIP 2 NaFlex: pictures keep their shape, and become as many patches as fit a limit.</summary>
internal sealed class NaflexImageEncoding : ImageEncoding
{
    private readonly Siglip2VisionConfig _vision;
    private readonly VisualTokenSettings _tokens;
    private readonly NaflexImagePreprocessor _preprocessor;

    public NaflexImageEncoding(Siglip2VisionConfig vision, ImageEncoderSettings settings)
    {
        ImagePreprocessorConfig preprocessing = settings.Preprocessing;
        if (!preprocessing.Naflex)
            throw new InvalidDataException($"{ImagePreprocessorConfig.FileName} makes pictures of {preprocessing.Width}x{preprocessing.Height} (size), but the vision tower of config.json takes pictures that keep their shape (SigLIP 2 NaFlex, Siglip2ImageProcessor). They do not belong together.");
        if (preprocessing.PatchSize != vision.PatchSize)
            throw new InvalidDataException($"{ImagePreprocessorConfig.FileName} makes patches of {preprocessing.PatchSize}x{preprocessing.PatchSize} ({preprocessing.Keys.Named("patch_size")}), but the vision tower of config.json takes patches of {vision.PatchSize}x{vision.PatchSize} ({vision.Keys.Named("patch_size")}). They do not belong together.");
        settings.Tokens.Check(vision, patches: null);
        _vision = vision;
        _tokens = settings.Tokens;
        _preprocessor = new NaflexImagePreprocessor(preprocessing);
    }

    public override nn.Module Build(ParameterSource parameters) => new Siglip2VisionModel(_vision, parameters);

    public override void Check(RgbImage picture) => _preprocessor.Check(picture);

    public override PreparedPictures Prepare(IReadOnlyList<RgbImage> pictures)
    {
        NaflexBatch batch = _preprocessor.Preprocess(pictures);
        var grids = new PatchGrid[batch.Count];
        for (int i = 0; i < grids.Length; i++) grids[i] = new PatchGrid((int)batch.SpatialShapes[2 * i], (int)batch.SpatialShapes[2 * i + 1]);
        return new PreparedPictures(batch.Pixels, [batch.Count, batch.MaximumPatches, batch.PatchLength], grids);
    }

    public override Tensor Encode(nn.Module tower, Tensor pictures, PatchGrid[] grids)
        => new NaflexTokenEncoder(((Siglip2VisionModel)tower).Transformer, _tokens).Encode(pictures, grids);
}
