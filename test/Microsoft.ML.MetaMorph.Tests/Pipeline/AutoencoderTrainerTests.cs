using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class AutoencoderTrainerTests
{
    private const int Side = 16;

    private static readonly string[] Outputs = ["Reconstruction", "ReconstructionError"];

    private readonly MLContext _ml = new(seed: 1);

    private static AutoencoderArchitecture Tiny { get; } = new() { ImageSize = Side, Channels = [8, 16], LatentChannels = 3 };

    private static AutoencoderTrainingOptions Quick { get; } = new() { MaximumSteps = 3, BatchSize = 6, LearningRate = 4e-3, ScalingPictures = 7, Precision = Precision.Float32 };

    [ClassInitialize]
    public static void BeginOneThread(TestContext _) => OneThread.Begin();

    [ClassCleanup]
    public static void EndOneThread() => OneThread.End();

    [TestMethod]
    public void PassesTheWorkout()
        => EstimatorWorkout.Run(_ml, _ml.MetaMorph().Trainers.Autoencoder(architecture: Tiny, training: Quick), Rows(8), ["ReconstructionError"]).Dispose();

    [TestMethod]
    public void LearnsAndTellsHowFarPicturesAre()
    {
        var losses = new List<double>();
        AutoencoderTrainer trainer = _ml.MetaMorph().Trainers.Autoencoder(new AutoencoderTrainer.Options
        {
            Architecture = Tiny,
            Training = Quick with { MaximumSteps = 60, BatchSize = 8, LearningRate = 1e-2 },
            Progress = new Receiver(status => losses.Add(status.Loss)),
        });
        using AutoencodeImagesTransformer learnt = trainer.Fit(Rows(8)), barely = Trained();
        Assert.HasCount(60, losses);
        List<object?[]> rows = ColumnValues.Rows(learnt.Transform(Rows(8)), Outputs);
        Assert.IsLessThan(0.75 * Mean(ColumnValues.Rows(barely.Transform(Rows(8)), ["ReconstructionError"])), Mean([.. rows.Select(row => new[] { row[1] })]));
        // The picture has values of 256 levels: the error is recomputed up to their rounding.
        for (int row = 0; row < rows.Count; row++) Assert.AreEqual(SquaredError(Square(row), (byte[])rows[row][0]!), (float)rows[row][1]!, 1e-3, $"row {row}");
    }

    [TestMethod]
    public void ARowWithoutAPictureHasNoneBack()
    {
        using AutoencodeImagesTransformer trained = Trained();
        IDataView rows = _ml.Data.LoadFromEnumerable(new PictureRow[] { new() { Image = Picture(Square(1)) }, new(), new() { Image = Picture(Square(2)) } });
        List<object?[]> values = ColumnValues.Rows(trained.Transform(rows), Outputs);
        Assert.IsNull(values[1][0]);
        Assert.IsTrue(float.IsNaN((float)values[1][1]!));
        ColumnValues.AssertEqual([ColumnValues.Rows(trained.Transform(Rows(1, first: 2)), Outputs)[0]], [values[2]], 1e-5, "the row behind it");
    }

    [TestMethod]
    public void AZipAndAFolderGiveTheSamePictures()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            using AutoencodeImagesTransformer trained = Trained();
            List<object?[]> expected = ColumnValues.Rows(trained.Transform(Rows(3)), Outputs);
            _ml.Model.Save(trained, Rows(1).Schema, Path.Combine(folder, "model.zip"));
            ITransformer loaded = new MLContext().Model.Load(Path.Combine(folder, "model.zip"), out _);
            ColumnValues.AssertEqual(expected, ColumnValues.Rows(loaded.Transform(Rows(3)), Outputs), 1e-5, "zip");
            using ImageAutoencoder fromZip = ((AutoencodeImagesTransformer)loaded).Autoencoder;

            using ImageAutoencoder autoencoder = trained.Autoencoder;
            Assert.AreEqual((Side, 3, 2), (autoencoder.PictureSize, autoencoder.LatentChannels, autoencoder.PixelsPerLatent));
            Assert.AreEqual(autoencoder.ScalingFactor, fromZip.ScalingFactor);
            Assert.AreNotEqual(1, autoencoder.ScalingFactor);
            autoencoder.Save(folder);
            using ImageAutoencoder opened = ImageAutoencoder.Load(folder), itself = ImageAutoencoder.Load(Path.Combine(folder, "vae"));
            Assert.AreEqual(autoencoder.ScalingFactor, opened.ScalingFactor);
            Assert.AreEqual(autoencoder.ScalingFactor, itself.ScalingFactor);

            // A training of no rate from that folder is that autoencoder.
            using AutoencodeImagesTransformer again = _ml.MetaMorph().Trainers.Autoencoder(new AutoencoderTrainer.Options { PretrainedFolder = folder, Training = Quick with { MaximumSteps = 1, LearningRate = 1e-30 } }).Fit(Rows(8));
            ColumnValues.AssertEqual(expected, ColumnValues.Rows(again.Transform(Rows(3)), Outputs), 1e-5, "folder");
            (loaded as IDisposable)?.Dispose();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void GoesOnTrainingAndLeavesTheStartAsItIs()
    {
        AutoencoderTrainer trainer = _ml.MetaMorph().Trainers.Autoencoder(architecture: Tiny, training: Quick with { MaximumSteps = 15 });
        using AutoencodeImagesTransformer first = trainer.Fit(Rows(16));
        List<object?[]> before = ColumnValues.Rows(first.Transform(Rows(16)), ["ReconstructionError"]);
        using AutoencodeImagesTransformer second = trainer.Fit(Rows(16), first);
        ColumnValues.AssertEqual(before, ColumnValues.Rows(first.Transform(Rows(16)), ["ReconstructionError"]), 0, "the start");
        Assert.IsLessThan(Mean(before), Mean(ColumnValues.Rows(second.Transform(Rows(16)), ["ReconstructionError"])));
    }

    [TestMethod]
    public void ACancelledTrainingKeepsWhatWasMadeOrThrows()
    {
        foreach (bool keep in new[] { true, false })
        {
            using var stop = new CancellationTokenSource();
            var steps = new List<long>();
            AutoencoderTrainer trainer = _ml.MetaMorph().Trainers.Autoencoder(new AutoencoderTrainer.Options
            {
                Architecture = Tiny,
                Training = Quick with { MaximumSteps = 100 },
                KeepCancelled = keep,
                CancellationToken = stop.Token,
                Progress = new Receiver(status =>
                {
                    steps.Add(status.Step);
                    if (status.Step == 2) stop.Cancel();
                }),
            });
            if (!keep) StringAssert.Contains(Assert.Throws<OperationCanceledException>(() => trainer.Fit(Rows(8))).Message, "The training was cancelled after 2 steps.");
            else
            {
                var log = new List<string>();
                _ml.Log += (_, entry) => log.Add(entry.RawMessage);
                using AutoencodeImagesTransformer kept = trainer.Fit(Rows(8), Rows(4));
                Assert.Contains("Cancelled after 2 steps.", log);
                Assert.IsFalse(log.Any(line => line.StartsWith("Validation", StringComparison.Ordinal)), "nobody evaluates after a cancellation");
                Assert.IsTrue(ColumnValues.Rows(kept.Transform(Rows(2)), ["ReconstructionError"]).All(row => float.IsFinite((float)row[0]!)));
            }

            CollectionAssert.AreEqual(new long[] { 1, 2 }, steps);
        }
    }

    [TestMethod]
    public void AVisualizerLearnsInItsLatents()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            using AutoencodeImagesTransformer trained = Trained();
            using ImageAutoencoder autoencoder = trained.Autoencoder;
            using GenerateImagesTransformer drawing = _ml.MetaMorph().Trainers.Visualizer(Latent(autoencoder)).Fit(RowsWithTokens(8));
            using Visualizer visualizer = drawing.Visualizer;
            visualizer.Save(folder);
            using Visualizer opened = Visualizer.Load(folder);
            Assert.AreEqual((Side, Side), (opened.PictureHeight, opened.PictureWidth));
            using ImageAutoencoder inside = ImageAutoencoder.Load(folder);
            Assert.AreEqual(autoencoder.ScalingFactor, inside.ScalingFactor);
            // The autoencoder did not move: the visualizer's is the one that was given.
            Dictionary<string, TorchSharp.torch.Tensor> given = trained.Model.Parameters().ToDictionary(p => "vae." + p.Key, p => p.Value);
            foreach ((string name, TorchSharp.torch.Tensor weight) in drawing.Model.Parameters().Where(p => p.Key.StartsWith("vae.", StringComparison.Ordinal)))
            {
                Assert.IsTrue(ToyTask.SameBits(given[name], weight), name);
                given.Remove(name);
            }

            Assert.IsEmpty(given);
            Assert.IsNotNull(ColumnValues.Rows(drawing.Transform(RowsWithTokens(1)), ["Picture"])[0][0]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void WhatDoesNotFitIsRefusedInWords()
    {
        Refuses<ArgumentOutOfRangeException>(() => Trainer(Tiny with { Channels = [8, 12] }), "Channels is 12; it must be a multiple of 8.");
        Refuses<ArgumentOutOfRangeException>(() => Trainer(Tiny with { ImageSize = 15 }), "ImageSize is 15; it must be a multiple of 2 (1 halvings).");
        Refuses<ArgumentOutOfRangeException>(() => Trainer(Tiny with { LatentChannels = 0 }), "LatentChannels is 0; it must be at least 1.");
        Refuses<ArgumentException>(() => Trainer(Tiny with { Channels = [] }), "Channels is empty; at least one resolution is needed.");
        Refuses<ArgumentException>(() => _ml.MetaMorph().Trainers.Autoencoder(new AutoencoderTrainer.Options { ErrorColumnName = "Reconstruction" }), "Two columns would be appended as 'Reconstruction'.");
        Refuses<ArgumentException>(() => Trainer(Tiny).Fit(_ml.Data.LoadFromEnumerable([new { Other = 1f }])), "'Image'");
        Refuses<InvalidDataException>(() => Trainer(Tiny).Fit(_ml.Data.LoadFromEnumerable(new PictureRow[] { new(), new() })), "There are no pictures to train on: column 'Image': empty in every row.");
        Refuses<InvalidDataException>(() => Trainer(Tiny).Fit(_ml.Data.LoadFromEnumerable(new[] { new PathRow { Image = typeof(AutoencoderTrainerTests).Assembly.Location } })), "Row 0, column 'Image', picture 1: ");
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            Refuses<InvalidDataException>(() => ImageAutoencoder.Load(folder), $"'{folder}' has no autoencoder. Looked for: vae/config.json, config.json.");
            File.WriteAllText(Path.Combine(folder, "config.json"), """{"_class_name": "UNet2DConditionModel"}""");
            Refuses<InvalidDataException>(() => ImageAutoencoder.Load(folder), "describes a UNet2DConditionModel; AutoencoderKL is needed.");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        using AutoencodeImagesTransformer trained = Trained();
        using ImageAutoencoder autoencoder = trained.Autoencoder;
        VisualizerTrainer.Options both = Latent(autoencoder);
        both.PretrainedFolder = "somewhere";
        Refuses<ArgumentException>(() => _ml.MetaMorph().Trainers.Visualizer(both), "Autoencoder is given with PretrainedFolder ('somewhere'), which has one of its own. Leave one of them away.");
        VisualizerTrainer.Options odd = Latent(autoencoder);
        odd.Architecture = odd.Architecture with { ImageSize = 17 };
        Refuses<ArgumentOutOfRangeException>(() => _ml.MetaMorph().Trainers.Visualizer(odd).Fit(RowsWithTokens(8)), "ImageSize must be a multiple of 2, the pixels of the autoencoder along a side of a latent's.");
    }

    private static void Refuses<TException>(Action action, string text)
        where TException : Exception
        => StringAssert.Contains(Assert.Throws<TException>(action).Message, text);

    private static VisualizerTrainer.Options Latent(ImageAutoencoder autoencoder) => new()
    {
        VisualTokensColumnName = "Tokens",
        Autoencoder = autoencoder,
        Architecture = new VisualizerArchitecture { ImageSize = Side, Channels = [16, 24], HeadCount = 2, ConditionWidth = 16, GridChannels = 8 },
        Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = 2, BatchSize = 4, AveragingDecay = null },
        Generation = new ImageGenerationOptions { Steps = 2, Seed = 3 },
    };

    private static double Mean(List<object?[]> rows) => rows.Average(row => (float)row[0]!);

    private static double SquaredError(byte[] expected, byte[] actual)
    {
        double sum = 0;
        for (int i = 0; i < expected.Length; i++) sum += Math.Pow((expected[i] - actual[i]) / 255.0, 2);
        return sum / (expected.Length / 4 * 3);
    }

    private AutoencoderTrainer Trainer(AutoencoderArchitecture architecture) => _ml.MetaMorph().Trainers.Autoencoder(architecture: architecture, training: Quick);

    private AutoencodeImagesTransformer Trained() => Trainer(Tiny).Fit(Rows(8));

    private IDataView Rows(int count, int first = 0) => _ml.Data.LoadFromEnumerable(Enumerable.Range(first, count).Select(i => new PictureRow { Image = Picture(Square(i)) }));

    private IDataView RowsWithTokens(int count) => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => new TokenRow { Image = Picture(Square(i)), Tokens = [.. Enumerable.Range(0, 16).Select(k => k % 4 == i % 4 ? 1f : 0f)] }));

    /// <summary>Blue, green, red, alpha bytes of a square of a colour on a ground of another.</summary>
    private static byte[] Square(int seed)
    {
        var random = new Random(seed);
        int top = random.Next(1, 8), left = random.Next(1, 8);
        byte[] ground = new byte[3], square = new byte[3], pixels = new byte[Side * Side * 4];
        random.NextBytes(ground);
        random.NextBytes(square);
        for (int i = 0; i < pixels.Length; i++)
        {
            (int y, int x, int channel) = (i / 4 / Side, i / 4 % Side, i % 4);
            bool inside = y >= top && y < top + 7 && x >= left && x < left + 7;
            pixels[i] = channel == 3 ? byte.MaxValue : inside ? square[channel] : ground[channel];
        }

        return pixels;
    }

    private static MLImage Picture(byte[] pixels) => MLImage.CreateFromPixels(Side, Side, MLPixelFormat.Bgra32, pixels);

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }

    private sealed class PictureRow
    {
        [ImageType(Side, Side)]
        public MLImage? Image { get; set; }

        // ML.NET saves no schema of pictures alone.
        public float Number { get; set; }
    }

    private sealed class PathRow
    {
        public string Image { get; set; } = "";
    }

    private sealed class TokenRow
    {
        [ImageType(Side, Side)]
        public MLImage? Image { get; set; }

        [VectorType(0, 4, 4)]
        public float[] Tokens { get; set; } = [];
    }
}
