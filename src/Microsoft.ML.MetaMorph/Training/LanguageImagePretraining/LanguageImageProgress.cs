namespace Microsoft.ML.MetaMorph;

/// <summary>What a step of the encoder's training did.</summary>
internal sealed record LanguageImageProgress : PictureProgress
{
    public LanguageImageProgress(PictureProgress step, LanguageImageLoss loss)
        : base(step) => Loss = loss;

    /// <summary>The step's losses.</summary>
    public LanguageImageLoss Loss { get; }
}

/// <summary>The outcome of the encoder's training.</summary>
/// <param name="End">How it ended; the model is usable in every case.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Loss">The losses of the last step.</param>
/// <param name="Precision">In which element type linear layers were computed.</param>
internal sealed record LanguageImageResult(TrainingEnd End, long Steps, LanguageImageLoss Loss, PrecisionChoice Precision);
