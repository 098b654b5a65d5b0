using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.MetaMorph;
using Scenes;
using Spectre.Console;

namespace Quickstart;

/// <summary>The ten minutes: an encoder, a visualizer, a pipeline, a file, and what the file's model can do.</summary>
internal sealed class QuickstartRun(RunSettings settings, CancellationToken cancellation)
{
    private const int CaptionedPictures = 2_000_000;      // made while they are read; time ends the training first
    private const int TrainingRows = 500_000;

    // Tokens say nearly all of these pictures: few steps are enough, and guidance adds nothing.
    private readonly ImageGenerationOptions _drawing = new() { Steps = 8, GuidanceScale = 1 };
    private readonly MLContext _ml = new(settings.Seed);
    private readonly SceneWorld _world = settings.Plan.World;
    private LanguageTokenizer? _tokenizer;

    public int Execute()
    {
        var clock = Stopwatch.StartNew();
        Directory.CreateDirectory(settings.OutputFolder);
        _tokenizer = TrainTokenizer();
        using ImageEncoder encoder = TrainEncoder();
        using GenerateImagesTransformer visualizer = TrainVisualizer(encoder);
        SaveModel(encoder, visualizer, settings.Budget - settings.ExamTime - clock.Elapsed);
        using var model = new SavedModel(_ml, settings.ModelFile, encoder, visualizer);
        var exam = new Exam(_world, model, settings.Seed);
        Scores scores = AnsiConsole.Status().Start("Asking about scenes that were never shown, and for pictures of them", _ => exam.Take(settings.Budget - settings.SheetTime - clock.Elapsed));
        ContactSheet.Write(settings.ContactSheetFile, exam);
        ScoreReport.Show(scores, settings, clock.Elapsed);
        if (!exam.IsComplete) ScoreReport.ShowUnasked(exam);
        if (settings.ScoreFile is { } file) ScoreReport.Write(file, scores, _world, clock.Elapsed);
        return settings.FailsAtChance && !ScoreReport.AllAboveChance(scores) ? 1 : 0;
    }

    /// <summary>The words of this world, as byte pairs.</summary>
    private LanguageTokenizer TrainTokenizer()
        => LanguageTokenizer.Train(
            SceneRows.ForTraining(_world).Generate(settings.Seed, 4_000).SelectMany(row => new[] { row.Prompt, row.Response, row.Pictures[0].Scene.Describe() }),
            new BytePairTrainingOptions { VocabularySize = 400 });

    /// <summary>First the eyes: pictures with captions, an encoder that a captioning decoder can read.</summary>
    private ImageEncoder TrainEncoder()
    {
        IDataView pictures = SceneCaptionView.Create(_ml, _world, settings.Seed, CaptionedPictures);
        using var display = new TrainingDisplay("Encoder learns to see", "caption loss", status => status.LanguageLoss);
        using EncodeImagesTransformer encoding = _ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            Tokenizer = _tokenizer,
            Training = settings.Plan.Encoder with { MaximumSeconds = settings.EncoderTime.TotalSeconds },
            Progress = display,
            CancellationToken = cancellation,
        }).Fit(pictures);
        return encoding.Encoder;
    }

    /// <summary>Then the brush: it learns to draw a picture from its visual tokens, without words.</summary>
    private GenerateImagesTransformer TrainVisualizer(ImageEncoder encoder)
    {
        IDataView pictures = SceneCaptionView.Create(_ml, _world, settings.Seed + 1, CaptionedPictures);
        using var display = new TrainingDisplay("Visualizer learns to draw from visual tokens", "squared error", status => status.Loss);
        var pipeline = _ml.MetaMorph().EncodeImages("VisualTokens", "Image", encoder, batchSize: 64)
            .Append(_ml.MetaMorph().Trainers.Visualizer(new VisualizerTrainer.Options
            {
                Architecture = settings.Plan.Visualizer,
                Training = VisualizerTrainingOptions.FromNothing with
                {
                    ForegroundWeight = 4,           // most of a picture is background
                    MaximumSeconds = settings.VisualizerTime.TotalSeconds,
                },
                Generation = _drawing,
                DrawingBatchSize = 50,
                TokenCacheMegabytes = 0,            // no picture is seen twice
                Progress = display,
                CancellationToken = cancellation,
            }));
        return pipeline.Fit(pictures).LastTransformer;
    }

    /// <summary>
    /// Then the pipeline: pictures become visual tokens, and a language model learns to answer with words and pictures. Rows are painted
    /// while they are read and hardly any is seen twice; a pipeline over files would put AppendCacheCheckpoint behind EncodeImages.
    /// </summary>
    private void SaveModel(ImageEncoder encoder, GenerateImagesTransformer drawing, TimeSpan time)
    {
        using Visualizer visualizer = drawing.Visualizer;
        IDataView rows = SceneRowView.Create(_ml, LessonPlan.Rows(_world, settings.Seed, TrainingRows));
        using var display = new TrainingDisplay("Language model learns to answer and to imagine", "cosine", status => -status.VisualLoss);
        var pipeline = _ml.MetaMorph().EncodeImages("VisualTokens", SceneRowView.PictureColumns, encoder, batchSize: 64)
            .Append(_ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(new VisualPredictiveInstructionTuningTrainer.Options
            {
                Tokenizer = _tokenizer,
                Architecture = settings.Plan.LanguageModel,
                Training = settings.Plan.Training with { MaximumSeconds = Math.Max(time.TotalSeconds, 1) },
                Generation = new GenerationOptions { MaxNewTokens = 96 },
                GenerationBatchSize = 32,
                Progress = display,
                CancellationToken = cancellation,
            }))
            .Append(_ml.MetaMorph().GenerateImages(new GenerateImagesEstimator.Options { Visualizer = visualizer, Generation = _drawing, BatchSize = 50 }));
        ITransformer model = pipeline.Fit(rows);
        _ml.Model.Save(model, rows.Schema, settings.ModelFile);
        (model as IDisposable)?.Dispose();
    }
}
