using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The vision tower of SigLIP 2 NaFlex (arXiv 2502.14786): pictures of any shape as lists of patches, padded to one length. The other
/// SigLIP 2 checkpoints have the first one's shape and are read by <see cref="SiglipVisionModel"/>.
/// </summary>
internal sealed class Siglip2VisionModel : NamedModule
{
    private readonly Siglip2VisionTransformer _transformer;

    public Siglip2VisionModel(Siglip2VisionConfig config, ParameterSource parameters)
        : base(nameof(Siglip2VisionModel))
    {
        _transformer = new Siglip2VisionTransformer(config, parameters["vision_model"]);
        register_module("vision_model", _transformer);
    }

    public Siglip2VisionTransformer Transformer => _transformer;

    public Siglip2VisionConfig Config => _transformer.Config;

    /// <inheritdoc cref="Siglip2VisionTransformer.Embeddings"/>
    public Tensor Embeddings(Tensor patches, IReadOnlyList<PatchGrid> grids) => _transformer.Embeddings(patches, grids);

    /// <inheritdoc cref="Siglip2VisionTransformer.Positions"/>
    public Tensor Positions(IReadOnlyList<PatchGrid> grids, long length) => _transformer.Positions(grids, length);

    /// <inheritdoc cref="Siglip2VisionTransformer.HiddenState"/>
    public Tensor HiddenState(Tensor patches, IReadOnlyList<PatchGrid> grids, int layer = -1) => _transformer.HiddenState(patches, grids, layer);

    /// <inheritdoc cref="Siglip2VisionTransformer.LastHiddenState"/>
    public Tensor LastHiddenState(Tensor patches, IReadOnlyList<PatchGrid> grids) => _transformer.LastHiddenState(patches, grids);

    /// <inheritdoc cref="Siglip2VisionTransformer.Pooled"/>
    public Tensor Pooled(Tensor patches, IReadOnlyList<PatchGrid> grids) => _transformer.Pooled(patches, grids);
}
