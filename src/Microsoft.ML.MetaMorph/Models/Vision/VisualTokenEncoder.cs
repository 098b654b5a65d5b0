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
        settings.Check(tower.Config, tower.Config.PatchCount);
        _tower = tower;
        _settings = settings;
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
}
