using System.Collections;
using Microsoft.ML.Data;
using TorchSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The three trainers on pictures over one kind of rows, so that one test speaks of all.</summary>
internal sealed class PictureTrainings(MLContext ml)
{
    public const int Side = 16, Count = 7, Steps = 9;

    /// <summary>The names of the trainers, as a checkpoint has them.</summary>
    public static string[] Names { get; } = ["Visualizer", "Autoencoder", "LanguageImagePretraining"];

    /// <summary>Published folders that the encoder's trainer goes on from with both towers, by the sigmoid loss alone; one's pictures have one size, the other's keep their shapes.</summary>
    public static string[] Towers { get; } = [.. ReferenceCase.Own("siglip-folder").Select(reference => reference.Name)];

    /// <summary>What is common to a run.</summary>
    public sealed record Run
    {
        public string? Folder { get; init; }

        public string? Log { get; init; }

        public int Interval { get; init; } = 2;

        public int Count { get; init; } = 2;

        public double? Averaging { get; init; }

        public int Steps { get; init; } = PictureTrainings.Steps;

        public double LearningRate { get; init; } = 1e-2;

        public int CacheMegabytes { get; init; } = 16;

        public IDataView? Validation { get; init; }

        /// <summary>Where training starts; null: from nothing.</summary>
        public string? Pretrained { get; init; }

        /// <summary>Of a visualizer or an autoencoder of <see cref="Pretrained"/>.</summary>
        public string? Variant { get; init; }

        /// <summary>Of a visualizer of <see cref="Pretrained"/>.</summary>
        public int? ImageSize { get; init; }

        /// <summary>What of a visualizer learns.</summary>
        public VisualizerParts Parts { get; init; } = VisualizerTrainingOptions.FromNothing.Parts;

        public Action<TrainingStatus>? Told { get; init; }

        public CancellationToken Stop { get; init; }
    }

    /// <summary>Trains, and gives the weights of the outcome.</summary>
    public Dictionary<string, torch.Tensor> Fit(string trainer, IDataView rows, Run run)
    {
        IProgress<TrainingStatus>? progress = run.Told is { } told ? new Receiver(told) : null;
        switch (trainer)
        {
            case "Visualizer":
                using (GenerateImagesTransformer drawing = ml.MetaMorph().Trainers.Visualizer(Visualizer(run, progress)).Fit(rows, run.Validation, null)) return Copies(drawing.Model.Parameters());
            case "Autoencoder":
                using (AutoencodeImagesTransformer giving = ml.MetaMorph().Trainers.Autoencoder(Autoencoder(run, progress)).Fit(rows, run.Validation, null))
                {
                    Dictionary<string, torch.Tensor> weights = Copies(giving.Model.Parameters());
                    weights["scaling factor"] = torch.tensor(giving.Model.Config.ScalingFactor);
                    return weights;
                }

            default:
                using (EncodeImagesTransformer encoding = ml.MetaMorph().Trainers.LanguageImagePretraining(Towers.Contains(trainer) ? BothTowers(trainer, run, progress) : Encoder(run, progress)).Fit(rows, run.Validation, null))
                using (LanguageImageEncoder? towers = encoding.LanguageImageEncoder) return Copies(towers?.Model.Parameters() ?? encoding.Model.Parameters());
        }
    }

    /// <summary>Rows that can be read in any order, each epoch in its own.</summary>
    public IDataView Shuffled() => ml.Data.Cache(ml.Data.LoadFromEnumerable(Enumerable.Range(0, Count).Select(Row)));

    /// <summary>Rows in one order, which end with an error after so many were read.</summary>
    public IDataView Failing(int after) => ml.Data.LoadFromEnumerable(new FailingRows(after));

    public static PictureRow Row(int i) => new()
    {
        Image = Png(i),
        // Some rows have two pictures, one has none where a trainer takes that.
        Second = i % 3 == 1 ? Png(i + 20) : [],
        Caption = $"number {i % 4}",
        Tokens = [.. Enumerable.Range(0, i % 3 == 1 ? 32 : 16).Select(k => MathF.Sin(i + k))],
    };

    private VisualizerTrainer.Options Visualizer(Run run, IProgress<TrainingStatus>? progress) => new()
    {
        ImageColumnNames = ["Image", "Second"],
        VisualTokensColumnName = "Tokens",
        Architecture = new VisualizerArchitecture { ImageSize = Side, PixelsPerSample = 4, Channels = [16], ConditionWidth = 16, GridChannels = 8 },
        PretrainedFolder = run.Pretrained,
        Variant = run.Variant,
        ImageSize = run.ImageSize,
        Training = VisualizerTrainingOptions.FromNothing with { Parts = run.Parts, MaximumSteps = run.Steps, BatchSize = 3, LearningRate = run.LearningRate, AveragingDecay = run.Averaging, Precision = Precision.Float32 },
        Generation = new ImageGenerationOptions { Steps = 2 },
        TokenCacheMegabytes = run.CacheMegabytes,
        LogFolder = run.Log,
        CheckpointFolder = run.Folder,
        CheckpointInterval = run.Interval,
        CheckpointCount = run.Count,
        Progress = progress,
        CancellationToken = run.Stop,
    };

    private static AutoencoderTrainer.Options Autoencoder(Run run, IProgress<TrainingStatus>? progress) => new()
    {
        Architecture = new AutoencoderArchitecture { ImageSize = Side, Channels = [8, 16], LatentChannels = 3 },
        PretrainedFolder = run.Pretrained,
        Variant = run.Variant,
        Training = new AutoencoderTrainingOptions { MaximumSteps = run.Steps, BatchSize = 3, LearningRate = run.LearningRate, AveragingDecay = run.Averaging, ScalingPictures = 5, Precision = Precision.Float32 },
        LogFolder = run.Log,
        CheckpointFolder = run.Folder,
        CheckpointInterval = run.Interval,
        CheckpointCount = run.Count,
        Progress = progress,
        CancellationToken = run.Stop,
    };

    private static LanguageImagePretrainingTrainer.Options Encoder(Run run, IProgress<TrainingStatus>? progress) => new()
    {
        TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 },
        PretrainedFolder = run.Pretrained,
        Training = TinyModels.Encoder with { MaximumSteps = run.Steps, BatchSize = 3, LearningRate = run.LearningRate, AveragingDecay = run.Averaging, ContrastiveWeight = run.Pretrained is null ? 0.5 : 0 },
        LogFolder = run.Log,
        CheckpointFolder = run.Folder,
        CheckpointInterval = run.Interval,
        CheckpointCount = run.Count,
        Progress = progress,
        CancellationToken = run.Stop,
    };

    private static LanguageImagePretrainingTrainer.Options BothTowers(string name, Run run, IProgress<TrainingStatus>? progress)
    {
        LanguageImagePretrainingTrainer.Options options = Encoder(run, progress);
        options.TokenizerTraining = null;
        options.PretrainedFolder = run.Pretrained ?? ReferenceCase.OwnCase(name).Folder;
        options.Training = options.Training with { CaptionWeight = 0, ContrastiveWeight = 1 };
        return options;
    }

    private static Dictionary<string, torch.Tensor> Copies(IEnumerable<KeyValuePair<string, torch.Tensor>> weights) => weights.ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());

    /// <summary>The bytes of a picture of noise.</summary>
    private static byte[] Png(int seed)
    {
        // Every other one is wide, so that a batch has unlike shapes.
        int width = Side * (1 + seed % 2);
        byte[] pixels = new byte[width * Side * 4];
        new Random(seed).NextBytes(pixels);
        for (int i = 3; i < pixels.Length; i += 4) pixels[i] = byte.MaxValue;
        using MLImage image = MLImage.CreateFromPixels(width, Side, MLPixelFormat.Bgra32, pixels);
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.png");
        try
        {
            image.Save(path);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    internal sealed class PictureRow
    {
        public byte[] Image { get; set; } = [];

        public byte[] Second { get; set; } = [];

        public string Caption { get; set; } = "";

        [VectorType(0, 4, 4)]
        public float[] Tokens { get; set; } = [];
    }

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }

    private sealed class FailingRows(int after) : IEnumerable<PictureRow>
    {
        private static readonly PictureRow[] Rows = [.. Enumerable.Range(0, Count).Select(Row)];

        private int _left = after;

        public IEnumerator<PictureRow> GetEnumerator()
        {
            foreach (PictureRow row in Rows) yield return _left-- > 0 ? row : throw new TimeoutException("The disk with the pictures is gone.");
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
