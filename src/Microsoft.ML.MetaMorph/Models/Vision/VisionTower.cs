using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A vision tower of either kind behind one face: pictures of one size are tensors alone, pictures that keep their shape (SigLIP 2 NaFlex)
/// come with their grids of patches.
/// </summary>
internal abstract class VisionTower
{
    /// <summary>Its sizes.</summary>
    public abstract VisionTowerConfig Config { get; }

    /// <summary>The module that holds the parameters under their published names.</summary>
    public abstract nn.Module Module { get; }

    /// <summary>The tower that a configuration describes; its parameters are those under <c>vision_model.</c></summary>
    public static VisionTower Of(VisionTowerConfig config, ParameterSource parameters) => config switch
    {
        SiglipVisionConfig vision => new OfOneSize(new SiglipVisionTransformer(vision, parameters)),
        Siglip2VisionConfig vision => new OfAnyShape(new Siglip2VisionTransformer(vision, parameters)),
        _ => throw new NotSupportedException($"There is no vision tower for a {config.GetType().Name}."),
    };

    /// <summary>The last block's output <c>[b, n, d]</c>, before <c>post_layernorm</c>.</summary>
    /// <param name="pictures"><c>[b, c, s, s]</c>, or <c>[b, n, p·p·c]</c> of pictures that keep their shape.</param>
    /// <param name="grids">Each picture's own grid where pictures keep their shape; else it is not looked at.</param>
    public abstract Tensor HiddenState(Tensor pictures, IReadOnlyList<PatchGrid>? grids = null);

    /// <summary>The same after <c>post_layernorm</c>.</summary>
    public abstract Tensor LastHiddenState(Tensor pictures, IReadOnlyList<PatchGrid>? grids = null);

    /// <summary>The pooled pictures <c>[b, d]</c> of what <see cref="HiddenState"/> gave.</summary>
    /// <exception cref="InvalidOperationException">The tower has no pooling head.</exception>
    public abstract Tensor Pool(Tensor hiddenState, IReadOnlyList<PatchGrid>? grids = null);

    /// <summary>The visual tokens <c>[b, N, D]</c> of what <see cref="HiddenState"/> gave; differentiable.</summary>
    public abstract Tensor Reduce(Tensor hiddenState, VisualTokenSettings settings, IReadOnlyList<PatchGrid>? grids = null);

    /// <summary>The pooled pictures <c>[b, d]</c>.</summary>
    /// <exception cref="InvalidOperationException">The tower has no pooling head.</exception>
    public Tensor Pooled(Tensor pictures, IReadOnlyList<PatchGrid>? grids = null)
    {
        using var scope = NewDisposeScope();
        return Pool(HiddenState(pictures, grids), grids).MoveToOuterDisposeScope();
    }

    private sealed class OfOneSize(SiglipVisionTransformer tower) : VisionTower
    {
        public override VisionTowerConfig Config => tower.Config;

        public override nn.Module Module => tower;

        public override Tensor HiddenState(Tensor pictures, IReadOnlyList<PatchGrid>? grids = null) => tower.HiddenState(pictures);

        public override Tensor LastHiddenState(Tensor pictures, IReadOnlyList<PatchGrid>? grids = null) => tower.LastHiddenState(pictures);

        public override Tensor Pool(Tensor hiddenState, IReadOnlyList<PatchGrid>? grids = null) => tower.Pool(hiddenState);

        public override Tensor Reduce(Tensor hiddenState, VisualTokenSettings settings, IReadOnlyList<PatchGrid>? grids = null)
            => new VisualTokenEncoder(tower, settings).Reduce(hiddenState);
    }

    private sealed class OfAnyShape(Siglip2VisionTransformer tower) : VisionTower
    {
        public override VisionTowerConfig Config => tower.Config;

        public override nn.Module Module => tower;

        public override Tensor HiddenState(Tensor pictures, IReadOnlyList<PatchGrid>? grids = null)
        {
            using var scope = NewDisposeScope();
            return tower.HiddenState(WithoutPadding(pictures, grids), Required(grids)).MoveToOuterDisposeScope();
        }

        public override Tensor LastHiddenState(Tensor pictures, IReadOnlyList<PatchGrid>? grids = null)
        {
            using var scope = NewDisposeScope();
            return tower.LastHiddenState(WithoutPadding(pictures, grids), Required(grids)).MoveToOuterDisposeScope();
        }

        public override Tensor Pool(Tensor hiddenState, IReadOnlyList<PatchGrid>? grids = null) => tower.Pool(hiddenState, Required(grids));

        public override Tensor Reduce(Tensor hiddenState, VisualTokenSettings settings, IReadOnlyList<PatchGrid>? grids = null)
            => new NaflexTokenEncoder(tower, settings).Reduce(hiddenState, Required(grids));

        // Padding behind the longest picture would only be computed and thrown away.
        private static Tensor WithoutPadding(Tensor pictures, IReadOnlyList<PatchGrid>? grids)
            => pictures.narrow(1, 0, Math.Min(Required(grids).Max(grid => grid.Count), pictures.size(1))).contiguous();

        private static IReadOnlyList<PatchGrid> Required(IReadOnlyList<PatchGrid>? grids)
            => grids ?? throw new ArgumentNullException(nameof(grids), "Pictures that keep their shape (SigLIP 2 NaFlex) come with their grids of patches; none were given.");
    }
}
