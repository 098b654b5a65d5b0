namespace Microsoft.ML.MetaMorph;

/// <summary>What a step of an autoencoder's training did.</summary>
internal sealed record AutoencoderProgress : PictureProgress
{
    public AutoencoderProgress(PictureProgress step, AutoencoderLosses losses)
        : base(step) => Losses = losses;

    /// <summary>The step's means.</summary>
    public AutoencoderLosses Losses { get; }
}

/// <summary>The outcome of an autoencoder's training.</summary>
/// <param name="End">How it ended; the autoencoder is usable in every case.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Losses">Of the last step; null if there was none.</param>
internal sealed record AutoencoderResult(TrainingEnd End, long Steps, AutoencoderLosses? Losses);
