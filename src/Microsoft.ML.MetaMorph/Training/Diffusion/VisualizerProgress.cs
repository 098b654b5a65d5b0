namespace Microsoft.ML.MetaMorph;

/// <summary>What a step of a visualizer's training did.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="TotalSteps">Steps in all; null where only time ends the training.</param>
/// <param name="Share">The share that is done, in [0, 1].</param>
/// <param name="Loss">The step's mean loss.</param>
/// <param name="LearningRate">The rate of the step.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="PicturesPerSecond">Since the start.</param>
/// <param name="Elapsed">Since the start.</param>
internal sealed record VisualizerProgress(
    long Step,
    long? TotalSteps,
    double Share,
    double Loss,
    double LearningRate,
    double GradientNorm,
    double PicturesPerSecond,
    TimeSpan Elapsed);

/// <summary>The outcome of a visualizer's training.</summary>
/// <param name="End">How it ended; the visualizer is usable in every case.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Loss">The loss of the last step.</param>
/// <param name="Precision">In which element type linear layers and convolutions were computed.</param>
internal sealed record VisualizerResult(TrainingEnd End, long Steps, double Loss, PrecisionChoice Precision);
