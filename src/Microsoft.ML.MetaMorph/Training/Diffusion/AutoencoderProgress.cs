namespace Microsoft.ML.MetaMorph;

/// <summary>What a step of an autoencoder's training did.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="TotalSteps">Steps in all; null where only time ends the training.</param>
/// <param name="Share">The share that is done, in [0, 1].</param>
/// <param name="Losses">The step's means.</param>
/// <param name="LearningRate">The rate of the step.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="PicturesPerSecond">Since the start.</param>
/// <param name="Elapsed">Since the start.</param>
internal sealed record AutoencoderProgress(
    long Step,
    long? TotalSteps,
    double Share,
    AutoencoderLosses Losses,
    double LearningRate,
    double GradientNorm,
    double PicturesPerSecond,
    TimeSpan Elapsed);

/// <summary>The outcome of an autoencoder's training.</summary>
/// <param name="End">How it ended; the autoencoder is usable in every case.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Losses">Of the last step; null if there was none.</param>
internal sealed record AutoencoderResult(TrainingEnd End, long Steps, AutoencoderLosses? Losses);
