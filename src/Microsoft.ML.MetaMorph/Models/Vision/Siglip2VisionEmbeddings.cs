using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Patches as a linear layer, and a square position table resized (antialiased) to each picture's own grid.</summary>
internal sealed class Siglip2VisionEmbeddings : NamedModule
{
    private readonly Siglip2VisionConfig _config;
    private readonly Linear _patches;
    private readonly Embedding _positions;

    public Siglip2VisionEmbeddings(Siglip2VisionConfig config, ParameterSource parameters)
        : base(nameof(Siglip2VisionEmbeddings))
    {
        _config = config;
        _patches = new Linear(parameters["patch_embedding"], config.PatchWidth, config.HiddenSize, initialization: Initialization.Normal(1 / Math.Sqrt(config.PatchWidth)));
        _positions = new Embedding(parameters["position_embedding"], config.PositionCount, config.HiddenSize, Initialization.Normal(1 / Math.Sqrt(config.HiddenSize)));
        register_module("patch_embedding", _patches);
        register_module("position_embedding", _positions);
    }

    /// <summary><c>[b, n, p·p·c]</c> → <c>[b, n, d]</c>.</summary>
    public Tensor Forward(Tensor patches, IReadOnlyList<PatchGrid> grids)
    {
        using var scope = NewDisposeScope();
        return (_patches.forward(patches.to(ScalarType.Float32)) + Positions(grids, patches.size(1))).MoveToOuterDisposeScope();
    }

    /// <summary>The positions of pictures of these grids, <c>[b, length, d]</c>; padding takes the first position's.</summary>
    public Tensor Positions(IReadOnlyList<PatchGrid> grids, long length)
    {
        using var scope = NewDisposeScope();
        long side = _config.PositionGridSize, width = _config.HiddenSize;
        Tensor table = _positions.Weight.to(ScalarType.Float32).view(side, side, width).permute(2, 0, 1).unsqueeze(0);
        var rows = new Dictionary<PatchGrid, Tensor>();
        foreach (PatchGrid grid in grids) if (!rows.ContainsKey(grid)) rows[grid] = Resize(table, grid, length);
        return stack([.. grids.Select(grid => rows[grid])], 0).MoveToOuterDisposeScope();
    }

    private static Tensor Resize(Tensor table, PatchGrid grid, long length)
    {
        long width = table.size(1), padding = length - grid.Count;
        Tensor positions = TokenReduction.Bilinear(table, grid.Rows, grid.Columns, antialias: true).reshape(width, grid.Count).transpose(0, 1);
        return padding == 0 ? positions : cat([positions, positions.narrow(0, 0, 1).expand(padding, width)], 0);
    }
}
