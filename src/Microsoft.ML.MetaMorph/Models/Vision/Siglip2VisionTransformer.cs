using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What stands under <c>vision_model.</c> in a SigLIP 2 NaFlex checkpoint.</summary>
/// <remarks>Padding patches are no keys, neither in the encoder nor in the pooling head; what the model gives at padding means nothing.</remarks>
internal sealed class Siglip2VisionTransformer : NamedModule
{
    private readonly Siglip2VisionEmbeddings _embeddings;
    private readonly SiglipVisionTrunk _trunk;

    public Siglip2VisionTransformer(Siglip2VisionConfig config, ParameterSource parameters)
        : base(nameof(Siglip2VisionTransformer))
    {
        config.Check();
        Config = config;
        _embeddings = new Siglip2VisionEmbeddings(config, parameters["embeddings"]);
        register_module("embeddings", _embeddings);
        _trunk = new SiglipVisionTrunk(config, config.UseHead, parameters, (name, part) => register_module(name, part));
    }

    public Siglip2VisionConfig Config { get; }

    /// <summary>Patches with their positions, <c>[b, n, p·p·c]</c> → <c>[b, n, d]</c>.</summary>
    public Tensor Embeddings(Tensor patches, IReadOnlyList<PatchGrid> grids)
    {
        Check(patches, grids);
        return _embeddings.Forward(patches, grids);
    }

    /// <summary>The resized position table, <c>[b, length, d]</c>.</summary>
    public Tensor Positions(IReadOnlyList<PatchGrid> grids, long length) => _embeddings.Positions(grids, length);

    /// <summary><c>[b, n, p·p·c]</c> → <c>[b, n, d]</c>: the output of a block, before <c>post_layernorm</c>.</summary>
    /// <param name="patches">Zero-padded to one length.</param>
    /// <param name="grids">Each picture's own grid; the rest of its row is padding.</param>
    /// <param name="layer">0 the embeddings, k the k-th block; negative from the end: −1 the last block.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    public Tensor HiddenState(Tensor patches, IReadOnlyList<PatchGrid> grids, int layer = -1)
    {
        int blocks = Config.Blocks(layer);
        using var scope = NewDisposeScope();
        return _trunk.Encode(Embeddings(patches, grids), blocks, Mask(patches, grids)).MoveToOuterDisposeScope();
    }

    /// <summary>The same after <c>post_layernorm</c>.</summary>
    public Tensor LastHiddenState(Tensor patches, IReadOnlyList<PatchGrid> grids)
    {
        using var scope = NewDisposeScope();
        return _trunk.Normalize(HiddenState(patches, grids)).MoveToOuterDisposeScope();
    }

    /// <summary><c>[b, n, p·p·c]</c> → <c>[b, d]</c>.</summary>
    /// <exception cref="InvalidOperationException">The model has no pooling head.</exception>
    public Tensor Pooled(Tensor patches, IReadOnlyList<PatchGrid> grids)
    {
        using var scope = NewDisposeScope();
        return Pool(HiddenState(patches, grids), grids).MoveToOuterDisposeScope();
    }

    /// <summary>The pooled pictures of a last block's output <c>[b, n, d]</c> that is at hand already.</summary>
    /// <exception cref="InvalidOperationException">The model has no pooling head.</exception>
    public Tensor Pool(Tensor hiddenState, IReadOnlyList<PatchGrid> grids)
    {
        using var scope = NewDisposeScope();
        return _trunk.Pool(hiddenState, Mask(hiddenState, grids)).MoveToOuterDisposeScope();
    }

    // True for patches, [b, 1, 1, n], of rows [b, n, …]; null where nothing is padded, which leaves attention its fast path.
    private static Tensor? Mask(Tensor rows, IReadOnlyList<PatchGrid> grids)
    {
        long length = rows.size(1);
        if (grids.All(grid => grid.Count == length)) return null;
        using var scope = NewDisposeScope();
        Tensor counts = tensor([.. grids.Select(grid => (long)grid.Count)], device: rows.device).unsqueeze(1);
        return arange(length, dtype: ScalarType.Int64, device: rows.device).unsqueeze(0).less(counts).view(grids.Count, 1, 1, length).MoveToOuterDisposeScope();
    }

    private void Check(Tensor patches, IReadOnlyList<PatchGrid> grids)
    {
        if (patches.dim() != 3 || patches.size(2) != Config.PatchWidth)
            throw new ArgumentException($"Patches of the shape [{string.Join(", ", patches.shape)}] were given; this encoder takes [pictures, patches, {Config.PatchWidth}] ({Config.PatchSize} x {Config.PatchSize} pixels, {Config.Channels} channels).", nameof(patches));
        if (patches.size(0) != grids.Count)
            throw new ArgumentException($"{patches.size(0)} pictures but {grids.Count} grids were given.", nameof(grids));
        for (int i = 0; i < grids.Count; i++)
        {
            if (grids[i].Rows < 1 || grids[i].Columns < 1 || grids[i].Count > patches.size(1))
                throw new ArgumentException($"Picture {i} has a grid of {grids[i].Rows} x {grids[i].Columns} patches, but the rows of this batch hold {patches.size(1)}.", nameof(grids));
        }
    }
}
