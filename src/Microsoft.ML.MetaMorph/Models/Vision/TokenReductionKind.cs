namespace Microsoft.ML.MetaMorph;

/// <summary>How the patch grid of the vision tower becomes the visual tokens (<c>image_token_reduction</c>).</summary>
internal enum TokenReductionKind
{
    /// <summary>Every patch is a token.</summary>
    None,

    /// <summary>The grid is resized bilinearly: tokens of the tower's width.</summary>
    Interpolation,

    /// <summary>The grid is resized bilinearly to twice the rows and columns, then 2×2 neighbours are joined: tokens four times as wide.</summary>
    ConcatInterpolation,
}
