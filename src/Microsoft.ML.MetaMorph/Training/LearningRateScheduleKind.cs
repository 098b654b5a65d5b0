namespace Microsoft.ML.MetaMorph;

/// <summary>How the learning rate moves after the warm-up.</summary>
public enum LearningRateScheduleKind
{
    /// <summary>A half cosine from the peak to zero (the paper's).</summary>
    Cosine,

    /// <summary>A half cosine from the peak to a least rate above zero.</summary>
    CosineWithMinimum,

    /// <summary>Several half cosines, each from the peak to zero.</summary>
    CosineWithRestarts,

    /// <summary>A straight line to zero.</summary>
    Linear,

    /// <summary>A power of the remaining share, from the peak to a final rate.</summary>
    Polynomial,

    /// <summary>The peak divided by the root of the step, for training without a fixed end.</summary>
    InverseSquareRoot,

    /// <summary>The peak throughout.</summary>
    Constant,
}
