namespace Microsoft.ML.MetaMorph;

/// <summary>What a step of a training on pictures did.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="TotalSteps">Steps in all; null where only time ends the training.</param>
/// <param name="Share">The share that is done, in [0, 1].</param>
/// <param name="LearningRate">The rate of the step.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="PicturesPerSecond">Since the start.</param>
/// <param name="Elapsed">Since the start.</param>
internal record PictureProgress(
    long Step,
    long? TotalSteps,
    double Share,
    double LearningRate,
    double GradientNorm,
    double PicturesPerSecond,
    TimeSpan Elapsed);
