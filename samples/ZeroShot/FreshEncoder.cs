using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace ZeroShot;

/// <summary>Both towers from nothing, by the sigmoid loss on pictures and their captions.</summary>
/// <param name="ImageSize">Height and width of a picture.</param>
/// <param name="PatchSize">Height and width of a patch.</param>
/// <param name="BatchSize">Pictures of a step; within one, every caption should be another, for each counts as unlike all pictures but its own.</param>
internal sealed record FreshEncoder(int ImageSize, int PatchSize, int BatchSize)
{
    /// <summary>Trains for so many steps on the columns Image and Caption.</summary>
    public LanguageImageEncoder Train(MLContext ml, IDataView pairs, int steps, CancellationToken cancellation)
    {
        Console.WriteLine(FormattableString.Invariant($"Training an encoder of pictures and texts for {steps:N0} steps …"));
        using EncodeImagesTransformer trained = ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            CancellationToken = cancellation,
            Progress = new Progress(steps),
            Training = new LanguageImagePretrainingOptions
            {
                ImageSize = ImageSize,
                PatchSize = PatchSize,
                Width = 128,
                LayerCount = 2,
                TextLayerCount = 1,
                MaximumTextLength = 24,
                CaptionWeight = 0,
                ContrastiveWeight = 1,
                BatchSize = BatchSize,
                MaximumSteps = steps,
            },
        }).Fit(pairs);
        return trained.LanguageImageEncoder ?? throw new InvalidOperationException("The training gave no text tower, although ContrastiveWeight is 1.");
    }

    /// <summary>A line for each tenth of the steps.</summary>
    private sealed class Progress(int steps) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value)
        {
            if (10 * value.Step / steps == 10 * (value.Step - 1) / steps) return;
            Console.WriteLine(FormattableString.Invariant($"step {value.Step,6:N0}  loss {value.Loss:F3}  {value.Elapsed.TotalSeconds,5:N0} s"));
        }
    }
}
