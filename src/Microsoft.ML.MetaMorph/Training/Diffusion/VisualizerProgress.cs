namespace Microsoft.ML.MetaMorph;

/// <summary>What a step of a visualizer's training did.</summary>
internal sealed record VisualizerProgress : PictureProgress
{
    public VisualizerProgress(PictureProgress step, double loss)
        : base(step) => Loss = loss;

    /// <summary>The step's mean loss.</summary>
    public double Loss { get; }
}

/// <summary>The outcome of a visualizer's training.</summary>
/// <param name="End">How it ended; the visualizer is usable in every case.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Loss">The loss of the last step.</param>
/// <param name="Precision">In which element type linear layers and convolutions were computed.</param>
internal sealed record VisualizerResult(TrainingEnd End, long Steps, double Loss, PrecisionChoice Precision);
