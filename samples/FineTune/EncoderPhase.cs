using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary>Then the eyes: an encoder that a captioning decoder can read learns from the pictures and what is said of them.</summary>
internal sealed class EncoderPhase(MLContext ml, OutputFolder output, RunSettings settings)
{
    public const string Name = "encoder";

    /// <summary>Of the time for everything.</summary>
    public const double ShareOfTime = 0.25;

    private const int MostPicturesOfAStep = 64;

    /// <summary>The encoder of the run: given, or made where it is not there yet; null where no row has a picture.</summary>
    public ImageEncoder? Run(TrainingRows rows, LanguageTokenizer? tokenizer, CancellationToken cancellation)
    {
        if (!settings.HasPictures) return null;
        if (settings.TrainsEncoder) WholeFolder.Make(output.Encoder, folder => Train(folder, CaptionedPicture.Of(rows), tokenizer!, cancellation));
        return Open(settings.Encoder ?? output.Encoder, settings);
    }

    /// <summary>Opens an encoder, computing as the run does.</summary>
    public static ImageEncoder Open(string folder, RunSettings settings) => ImageEncoder.Load(folder, new ImageEncoderOptions { Precision = settings.Precision });

    private void Train(string folder, List<CaptionedPicture> pictures, LanguageTokenizer tokenizer, CancellationToken cancellation)
    {
        using var display = new TrainingDisplay("Encoder learns to see", "pictures", settings.CheckpointEvery, status => FormattableString.Invariant($"captions {status.LanguageLoss:F3}"));
        using EncodeImagesTransformer trained = ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            Tokenizer = tokenizer,
            Training = new LanguageImagePretrainingOptions
            {
                ImageSize = settings.Sizes!.ImageSize,
                PatchSize = settings.Sizes.ImageSize / ModelSizes.PatchesASide,
                VisualTokenCount = ModelSizes.VisualTokens,
                Width = settings.Sizes.EncoderWidth,
                LayerCount = settings.Sizes.EncoderLayers,
                HeadCount = ModelSizes.EncoderHeads,
                BatchSize = Math.Min(Math.Min(2 * settings.BatchSize, MostPicturesOfAStep), pictures.Count),
                MaximumSteps = settings.Steps,
                MaximumSeconds = settings.Hours * 3600 * ShareOfTime,
                Precision = settings.Precision,
            },
            CheckpointFolder = output.Checkpoints(Name),
            CheckpointInterval = settings.CheckpointEvery,
            LogFolder = output.Logs(Name),
            Progress = display,
            CancellationToken = cancellation,
        }).Fit(ml.Data.LoadFromEnumerable(pictures));
        using ImageEncoder encoder = trained.Encoder;
        encoder.Save(folder);
    }
}
