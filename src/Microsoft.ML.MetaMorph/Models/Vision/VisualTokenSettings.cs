namespace Microsoft.ML.MetaMorph;

/// <summary>How visual tokens are made of patches.</summary>
/// <param name="Count">N, <c>num_image_tokens</c>.</param>
/// <param name="Reduction"><c>image_token_reduction</c>.</param>
/// <param name="SelectLayer"><c>mm_vision_select_layer</c>: −1 is the last block's output, before <c>post_layernorm</c>.</param>
/// <param name="Normalize"><c>normalize_vision</c>: whether each token is scaled to length 1.</param>
internal sealed record VisualTokenSettings(
    int Count = 64,
    TokenReductionKind Reduction = TokenReductionKind.Interpolation,
    int SelectLayer = -1,
    bool Normalize = true)
{
    /// <summary>Far more than any published model has (729): beyond, a picture alone would take gigabytes, and attention over it more.</summary>
    public const int MaximumCount = 65_536;

    /// <summary>Checks that a tower can give such tokens.</summary>
    /// <param name="tower">The tower's sizes.</param>
    /// <param name="patches">The patches of every picture; null where pictures keep their shape and have unlike numbers.</param>
    /// <exception cref="ArgumentException">It cannot.</exception>
    public void Check(SiglipEncoderConfig tower, int? patches)
    {
        bool reduces = Reduction != TokenReductionKind.None;
        if (!reduces && patches is null)
            throw new ArgumentException($"Without a token reduction there are as many visual tokens as patches, but pictures that keep their shape (SigLIP 2 NaFlex) have unlike numbers of them. Choose {TokenReduction.NameOf(TokenReductionKind.Interpolation)} or {TokenReduction.NameOf(TokenReductionKind.ConcatInterpolation)}.");
        if (!reduces && Count != patches)
            throw new ArgumentException($"Without a token reduction there are as many visual tokens as patches: {patches}, not {Count}.");
        if (reduces && SquareGrid.SideOf(Count) is null)
            throw new ArgumentException($"{Count} visual tokens form no square grid; a token reduction needs a square number (1, 4, 16, 64, 256, …).");
        if (Count > MaximumCount)
            throw new ArgumentException($"{Count} visual tokens a picture are too many; at most {MaximumCount} are possible.");
        long values = Count * (long)TokenReduction.TokenWidth(Reduction, tower.HiddenSize);
        if (values > Array.MaxLength)
            throw new ArgumentException($"{Count} visual tokens, each {TokenReduction.TokenWidth(Reduction, tower.HiddenSize)} wide, are {values} values a picture; at most {Array.MaxLength} can be held.");
        if (SelectLayer > tower.HiddenLayers || SelectLayer < -tower.HiddenLayers - 1)
            throw new ArgumentException($"Layer {SelectLayer} was selected; the tower has {tower.HiddenLayers} blocks: {-tower.HiddenLayers - 1} to {tower.HiddenLayers} can be selected.");
    }
}
