using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The frozen half of MetaMorph's eye: SigLIP's patches, reduced to N visual tokens of length 1 (arXiv 2412.14164, section 3).</summary>
/// <remarks>Holds no state between calls; the tower stays the caller's. Safe to call from several threads at once.</remarks>
internal sealed class VisualTokenEncoder
{
    private readonly SiglipVisionTransformer _tower;
    private readonly VisualTokenSettings _settings;

    /// <exception cref="ArgumentException">The settings do not fit the tower.</exception>
    public VisualTokenEncoder(SiglipVisionTransformer tower, VisualTokenSettings settings)
    {
        _tower = tower;
        _settings = settings;
        int patches = tower.Config.PatchCount;
        if (settings.Reduction == TokenReductionKind.None && settings.Count != patches)
            throw new ArgumentException($"Without a token reduction there are as many visual tokens as patches: {patches}, not {settings.Count}.", nameof(settings));
        if (settings.Reduction != TokenReductionKind.None && !IsSquare(settings.Count))
            throw new ArgumentException($"{settings.Count} visual tokens form no square grid; a token reduction needs a square number (1, 4, 16, 64, 256, …).", nameof(settings));
        if (settings.SelectLayer > tower.Config.HiddenLayers || settings.SelectLayer < -tower.Config.HiddenLayers - 1)
            throw new ArgumentException($"Layer {settings.SelectLayer} was selected; the tower has {tower.Config.HiddenLayers} blocks: {-tower.Config.HiddenLayers - 1} to {tower.Config.HiddenLayers} can be selected.", nameof(settings));
    }

    /// <summary>N, the visual tokens of a picture.</summary>
    public int TokenCount => _settings.Count;

    /// <summary>D, the width of a visual token.</summary>
    public int TokenWidth => TokenReduction.TokenWidth(_settings.Reduction, _tower.Config.HiddenSize);

    /// <summary><c>[b, c, s, s]</c> → <c>[b, N, D]</c> float32, without gradients.</summary>
    public Tensor Encode(Tensor pixels)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        return Reduce(_tower.HiddenState(pixels, _settings.SelectLayer)).MoveToOuterDisposeScope();
    }

    /// <summary>The visual tokens of a hidden state <c>[b, n, d]</c>; differentiable.</summary>
    public Tensor Reduce(Tensor hiddenState)
    {
        using var scope = NewDisposeScope();
        Tensor tokens = TokenReduction.Reduce(_settings.Reduction, hiddenState, _settings.Count);
        return (_settings.Normalize ? SiglipModel.Unit(tokens) : tokens).MoveToOuterDisposeScope();
    }

    private static bool IsSquare(int count)
    {
        var side = (int)Math.Round(Math.Sqrt(count));
        return count > 0 && side * side == count;
    }
}

/// <summary>How visual tokens are made of patches.</summary>
/// <param name="Count">N, <c>num_image_tokens</c>.</param>
/// <param name="Reduction"><c>image_token_reduction</c>.</param>
/// <param name="SelectLayer"><c>mm_vision_select_layer</c>: −1 is the last block's output, before <c>post_layernorm</c>.</param>
/// <param name="Normalize"><c>normalize_vision</c>: whether each token is scaled to length 1.</param>
internal sealed record VisualTokenSettings(
    int Count = 64,
    TokenReductionKind Reduction = TokenReductionKind.Interpolation,
    int SelectLayer = -1,
    bool Normalize = true);
