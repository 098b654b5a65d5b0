using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Visual tokens of pictures that keep their shape (SigLIP 2 NaFlex): each picture's own grid of patches, whatever its sides, is stretched
/// to √N × √N, so that all pictures have N tokens.
/// </summary>
/// <remarks>Holds no state between calls; the tower stays the caller's. Safe to call from several threads at once.</remarks>
internal sealed class NaflexTokenEncoder
{
    private readonly Siglip2VisionTransformer _tower;
    private readonly VisualTokenSettings _settings;

    /// <exception cref="ArgumentException">The settings do not fit the tower.</exception>
    public NaflexTokenEncoder(Siglip2VisionTransformer tower, VisualTokenSettings settings)
    {
        settings.Check(tower.Config, patches: null);
        _tower = tower;
        _settings = settings;
    }

    /// <summary><c>[b, n, p·p·c]</c> → <c>[b, N, D]</c> float32, without gradients.</summary>
    /// <param name="patches">Zero-padded to one length.</param>
    /// <param name="grids">Each picture's own grid; the rest of its row is padding, which no token sees.</param>
    public Tensor Encode(Tensor patches, IReadOnlyList<PatchGrid> grids)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        // Padding behind the longest picture would only be computed and thrown away.
        long longest = Math.Min(grids.Max(grid => grid.Count), patches.size(1));
        Tensor hidden = _tower.HiddenState(patches.narrow(1, 0, longest).contiguous(), grids, _settings.SelectLayer);
        return Reduce(hidden, grids).MoveToOuterDisposeScope();
    }

    /// <summary>The visual tokens of a hidden state <c>[b, n, d]</c>; differentiable.</summary>
    /// <param name="hiddenState">At least as long as the longest picture.</param>
    /// <param name="grids">Each picture's own grid.</param>
    public Tensor Reduce(Tensor hiddenState, IReadOnlyList<PatchGrid> grids)
    {
        using var scope = NewDisposeScope();
        Tensor tokens = cat([.. grids.Select((grid, i) => TokenReduction.Reduce(_settings.Reduction, hiddenState.narrow(0, i, 1).narrow(1, 0, grid.Count), grid, _settings.Count))], 0);
        return (_settings.Normalize ? SiglipModel.Unit(tokens) : tokens).MoveToOuterDisposeScope();
    }
}
