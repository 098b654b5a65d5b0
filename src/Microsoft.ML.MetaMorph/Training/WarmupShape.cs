namespace Microsoft.ML.MetaMorph;

/// <summary>How the learning rate rises from zero to its peak.</summary>
public enum WarmupShape
{
    /// <summary>On a straight line.</summary>
    Linear,

    /// <summary>ln(s + 1) / ln(warm-up + 1): fast at first (the paper's visualizer).</summary>
    Logarithmic,
}
