using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary>Then the language model, which learns to answer with words and with visual tokens (Visual-Predictive Instruction Tuning).</summary>
internal sealed class LanguageModelPhase(MLContext ml, OutputFolder output, RunSettings settings)
{
    public const string Name = "language-model";

    // A fresh model stands a thousand times the paper's rate at these sizes of steps, an adapter some ten times that of all weights.
    private const double FreshRate = 1e-3, AdapterRate = 2e-4;

    // In a fresh model the words, which are learned soon, would lead the way for most of the time.
    private const double FreshVisionCoefficient = 12;

    /// <summary>Makes the model of the run where it is not there yet.</summary>
    public void Run(TrainingRows rows, LanguageTokenizer? tokenizer, ImageEncoder? encoder, CancellationToken cancellation)
    {
        if (Directory.Exists(output.Model)) return;
        using var display = new TrainingDisplay("Language model learns to answer", "tokens", settings.CheckpointEvery, status => FormattableString.Invariant($"words {status.LanguageLoss:F3}, pictures {status.VisualLoss:F3}"));
        using MetaMorphTransformer model = Trainer(tokenizer, display, cancellation).Fit(Encoded(rows.View, encoder));
        // The adapter first: where the model is, everything is.
        if (settings.LowRank is not null) WholeFolder.Make(output.Adapter, model.SaveAdapter);
        WholeFolder.Make(output.Model, folder => model.SaveAsPretrained(folder));
    }

    /// <summary>What the training would be.</summary>
    /// <param name="rows">Their texts are read.</param>
    public TrainingPlan Plan(TrainingRows rows)
    {
        LanguageTokenizer? tokenizer = settings.Model is null ? TokenizerPhase.Train(settings, rows) : null;
        return Trainer(tokenizer, progress: null, CancellationToken.None).Plan(PlannedRow.View(ml, rows, settings));
    }

    /// <summary>Rows with the visual tokens of their pictures, which are encoded once and kept on the disk.</summary>
    public IDataView Encoded(IDataView rows, ImageEncoder? encoder)
    {
        if (encoder is null) return rows;
        return ml.MetaMorph().EncodeImages(new EncodeImagesEstimator.Options { InputColumnNames = ["Image"], Encoder = encoder, CacheFolder = output.VisualTokens }).Fit(rows).Transform(rows);
    }

    private VisualPredictiveInstructionTuningTrainer Trainer(LanguageTokenizer? tokenizer, IProgress<TrainingStatus>? progress, CancellationToken cancellation)
    {
        bool fresh = settings.Model is null;
        return ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(new VisualPredictiveInstructionTuningTrainer.Options
        {
            PretrainedFolder = settings.Model,
            Tokenizer = fresh ? tokenizer : null,
            Architecture = fresh ? Architecture : null,
            VisualTokensColumnName = settings.HasPictures ? "VisualTokens" : null,
            MaximumLength = settings.MaximumLength,
            Training = new VisualPredictiveTrainingOptions
            {
                MaximumSteps = settings.Steps,
                MaximumSeconds = settings.Hours * 3600 * (settings.TrainsEncoder ? 1 - EncoderPhase.ShareOfTime : 1),
                BatchSize = settings.BatchSize,
                LearningRate = settings.LearningRate ?? SuitableRate,
                Beta2 = fresh ? 0.98 : 0.999,
                MaximumGradientNorm = 1,
                VisionCoefficient = fresh ? FreshVisionCoefficient : 1,
                Precision = settings.Precision,
                LowRank = settings.LowRank is { } rank ? new LowRankOptions { Rank = rank, Alpha = rank, FrozenWeights = settings.Int8 ? FrozenWeights.Int8 : FrozenWeights.AsStored } : null,
            },
            CheckpointFolder = output.Checkpoints(Name),
            CheckpointInterval = settings.CheckpointEvery,
            LogFolder = progress is null ? null : output.Logs(Name),
            Progress = progress,
            CancellationToken = cancellation,
        });
    }

    /// <summary>Null: the paper's, scaled to the batch.</summary>
    private double? SuitableRate
    {
        get
        {
            if (settings.Model is null) return FreshRate;
            return settings.LowRank is null ? null : AdapterRate;
        }
    }

    private LanguageModelArchitecture Architecture
    {
        get
        {
            int heads = settings.Sizes!.HiddenSize / ModelSizes.HeadWidth;
            return new LanguageModelArchitecture { HiddenSize = settings.Sizes.HiddenSize, LayerCount = settings.Sizes.Layers, HeadCount = heads, KeyValueHeadCount = heads % 2 == 0 ? heads / 2 : heads };
        }
    }
}
