namespace Microsoft.ML.MetaMorph;

/// <summary>The visual tokens of a picture.</summary>
/// <param name="Count">N: how many.</param>
/// <param name="Width">D: how wide each.</param>
internal readonly record struct VisualTokenSizes(int Count, int Width)
{
    /// <summary>64 tokens of SigLIP so400m (arXiv 2412.14164): of a new model whose rows have no pictures, so that it can go on with that encoder.</summary>
    public static VisualTokenSizes Paper { get; } = new(64, 1152);
}
