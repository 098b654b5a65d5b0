namespace Microsoft.ML.MetaMorph;

/// <summary>What a step of training did.</summary>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="TotalSteps">Steps in all; null where only time ends the training.</param>
/// <param name="Share">The share that is done, in [0, 1].</param>
/// <param name="Epoch">The pass over the rows, from 1.</param>
/// <param name="Loss">The step's losses.</param>
/// <param name="TotalLoss">Language + coefficient × visual.</param>
/// <param name="LearningRate">The rate of the step.</param>
/// <param name="GradientNorm">Before clipping.</param>
/// <param name="Positions">Positions computed so far, text and visual tokens.</param>
/// <param name="TokensPerSecond">Positions a second since the start.</param>
/// <param name="Elapsed">Since the start.</param>
/// <param name="Validation">The losses on the validation rows, where this step evaluated them.</param>
internal sealed record TrainingProgress(
    long Step,
    long? TotalSteps,
    double Share,
    int Epoch,
    LossParts Loss,
    double TotalLoss,
    double LearningRate,
    double GradientNorm,
    long Positions,
    double TokensPerSecond,
    TimeSpan Elapsed,
    LossParts? Validation);

/// <summary>How training ended.</summary>
internal enum TrainingEnd
{
    Completed,
    TimeSpent,
    StoppedEarly,
    Cancelled,
}

/// <summary>The outcome of a training.</summary>
/// <param name="End">How it ended; the model is usable in every case.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Loss">The losses of the last step.</param>
/// <param name="Validation">The losses on the validation rows at the end; null without any, or after a cancellation.</param>
/// <param name="Precision">In which element type linear layers were computed.</param>
internal sealed record TrainingResult(TrainingEnd End, long Steps, LossParts Loss, LossParts? Validation, PrecisionChoice Precision);
