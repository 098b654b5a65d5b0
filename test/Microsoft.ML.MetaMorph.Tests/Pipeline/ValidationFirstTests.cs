using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A validation row that cannot be used is told before the first step, by its name; later it costs no checkpoint.</summary>
[TestClass]
public sealed class ValidationFirstTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly PictureTrainings _trainings;
    private readonly List<string> _log = [];

    public ValidationFirstTests()
    {
        _trainings = new PictureTrainings(_ml);
        _ml.Log += (_, entry) => _log.Add(entry.RawMessage);
    }

    [TestMethod]
    public void ABadRowOfPicturesIsToldBeforeTheFirstStep()
    {
        PictureTrainings.PictureRow broken = PictureTrainings.Row(2);
        broken.Image = [1, 2, 3];
        IDataView bad = _ml.Data.LoadFromEnumerable([PictureTrainings.Row(0), PictureTrainings.Row(1), broken]);
        foreach (string trainer in PictureTrainings.Names)
        {
            string told = Assert.ThrowsExactly<InvalidDataException>(() => _trainings.Fit(trainer, _trainings.Shuffled(), new PictureTrainings.Run { Validation = bad, Told = _ => Assert.Fail("a step") })).Message;
            StringAssert.StartsWith(told, "Row 2, column 'Image'", trainer);
        }
    }

    [TestMethod]
    public void TokensOfAnotherNumberOfPicturesAreToldBeforeTheFirstStep()
    {
        PictureTrainings.PictureRow broken = PictureTrainings.Row(2);
        broken.Tokens = new float[32];
        IDataView bad = _ml.Data.LoadFromEnumerable([PictureTrainings.Row(0), broken]);
        Assert.AreEqual(
            "Row 1, columns 'Image', 'Second' and 'Tokens': 1 pictures, but the visual tokens of 2. Encode the same columns, in the same order.",
            Assert.ThrowsExactly<InvalidDataException>(() => _trainings.Fit("Visualizer", _trainings.Shuffled(), new PictureTrainings.Run { Validation = bad, Told = _ => Assert.Fail("a step") })).Message);
    }

    [TestMethod]
    public void ABadRowOfWordsIsToldBeforeTheFirstStepOrPassedOver()
    {
        IDataView bad = _ml.Data.LoadFromEnumerable([new EncodedRow { Prompt = "What?", Response = "red" }, new EncodedRow { Prompt = "<image>Which colour?", Response = "red" }]);
        var steps = new Receiver();
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.Progress = steps;
        string told = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(EncodedRow.Rows(_ml, 8), bad).Dispose()).Message;
        Assert.AreEqual(
            "Row 1, columns 'Prompt' and 'Response': there are 1 <image> marks, but the column 'VisualTokens' holds 0 pictures. Give every mark its picture, prompts first; if EncodeImages has an ErrorColumnName, that column says whether a picture could not be read.",
            told);
        Assert.IsEmpty(steps.All);

        options.SkipBadRows = true;
        _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(EncodedRow.Rows(_ml, 8), bad).Dispose();
        Assert.HasCount(3, steps.All);
        Assert.HasCount(1, _log.Where(line => line.StartsWith("1 rows were passed over: Row 1, ", StringComparison.Ordinal)).ToArray());
        Assert.HasCount(1, _log.Where(line => line.StartsWith("Validation: language ", StringComparison.Ordinal)).ToArray());
    }

    /// <summary>Rows that change after they were read once: what was learned is in the folder.</summary>
    [TestMethod]
    public void AValidationThatFailsLaterLosesNothing()
    {
        foreach (string trainer in PictureTrainings.Names)
        {
            using var folder = new ScratchFolder();
            var run = new PictureTrainings.Run { Folder = folder.Path, Steps = 3 };
            // Two passes: one that looks for a first row, one that reads all.
            IDataView changing = _trainings.Failing(1 + PictureTrainings.Count);
            Assert.Throws<Exception>(() => _trainings.Fit(trainer, _trainings.Shuffled(), run with { Validation = changing }));
            Assert.IsTrue(Directory.Exists(folder["finished-00000003"]), trainer);
            Dictionary<string, TorchSharp.torch.Tensor> expected = _trainings.Fit(trainer, _trainings.Shuffled(), run with { Folder = null });
            foreach ((string name, TorchSharp.torch.Tensor weight) in _trainings.Fit(trainer, _trainings.Shuffled(), run with { Told = _ => Assert.Fail("a step") })) Assert.IsTrue(ToyTask.SameBits(expected[name], weight), $"{trainer}: {name}");
        }
    }

    /// <summary>What a visualizer cannot draw with would fail at its first validation, or at the first row of the trained transformer.</summary>
    [TestMethod]
    public void OptionsOfDrawingAreCheckedBeforeTheFirstStep()
    {
        using var folder = new ScratchFolder();
        Refused<ArgumentOutOfRangeException>(new ImageGenerationOptions { Steps = 1001 }, "1001", "1000");
        Refused<ArgumentException>(new ImageGenerationOptions { Steps = 2, Width = 17 }, "Width is 17 pixels; this visualizer needs a multiple of 4 ");
        Refused<ArgumentException>(new ImageGenerationOptions { Steps = 2, Scheduler = DiffusionSchedulerKind.Ddim, KarrasSigmas = true }, "KarrasSigmas is true, but Ddim has no noise levels to space.");
        Refused<InsufficientMemoryException>(new ImageGenerationOptions { Steps = 2, MemoryBudget = 1 }, "Drawing one picture of 16x16 pixels", "MemoryBudget is");

        void Refused<TException>(ImageGenerationOptions generation, params string[] texts)
            where TException : Exception
        {
            var steps = new Receiver();
            var options = new VisualizerTrainer.Options
            {
                VisualTokensColumnName = "Tokens",
                ImageColumnNames = ["Image", "Second"],
                Architecture = new VisualizerArchitecture { ImageSize = 16, Channels = [16], ConditionWidth = 16, GridChannels = 8 },
                Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = 1, BatchSize = 2, Precision = Precision.Float32 },
                Generation = generation,
                ValidationFolder = folder.Path,
                Progress = steps,
            };
            TensorAssert.Throws<TException>(() => _ml.MetaMorph().Trainers.Visualizer(options).Fit(_trainings.Shuffled(), _trainings.Shuffled()).Dispose(), texts);
            Assert.IsEmpty(steps.All);
        }
    }

    [TestMethod]
    public void AnAutoencoderIsLookedAtAsAVisualizerIs()
    {
        using var folder = new ScratchFolder();
        var told = new Receiver();
        AutoencoderTrainer.Options Options() => new()
        {
            Architecture = new AutoencoderArchitecture { ImageSize = 16, Channels = [8, 16], LatentChannels = 3 },
            Training = new AutoencoderTrainingOptions { MaximumSteps = 5, BatchSize = 3, AveragingDecay = 0.9, ScalingPictures = 3, Precision = Precision.Float32 },
        };
        AutoencoderTrainer.Options watched = Options();
        (watched.ValidationInterval, watched.ValidationFolder, watched.TensorBoardFolder, watched.ValidationPictures, watched.Progress) = (2, folder["sheets"], folder["board"], 3, told);
        IDataView rows = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 6).Select(i => new Picture { Image = TinyModels.Picture(i) }));
        using AutoencodeImagesTransformer seen = _ml.MetaMorph().Trainers.Autoencoder(watched).Fit(rows, rows), unseen = _ml.MetaMorph().Trainers.Autoencoder(Options()).Fit(rows);

        string[] names = [.. Directory.GetFiles(folder["sheets"]).Select(path => Path.GetFileName(path)).Order()];
        CollectionAssert.AreEqual(new[] { "step-000002.png", "step-000004.png", "step-000005.png" }, names);
        CollectionAssert.AreEqual(new[] { false, true, false, true, false }, told.All.Select(status => status.ValidationLoss is not null).ToArray());
        RgbImage sheet = ImageDecoder.DecodeFile(Path.Combine(folder["sheets"], names[^1]));
        Assert.AreEqual((2 * (16 + 2) + 2, 3 * (16 + 2) + 2), (sheet.Width, sheet.Height));
        // The third pair: a blue picture, and what the trained autoencoder gives back of it.
        byte[] back = ColumnValues.Rows(seen.Transform(rows), ["Reconstruction"]).Select(row => (byte[])row[0]!).ElementAt(2);
        (int top, int left) = (2 + 2 * 18, 2);
        for (int i = 0; i < 16 * 16; i++)
        {
            int at = 3 * ((top + i / 16) * sheet.Width + left + i % 16), beside = at + 3 * 18;
            CollectionAssert.AreEqual(new byte[] { 0, 0, 255 }, sheet.Pixels[at..(at + 3)]);
            for (int c = 0; c < 3; c++) Assert.AreEqual(back[4 * i + 2 - c], sheet.Pixels[beside + c], 1, $"pixel {i}, channel {c}");
        }

        Assert.HasCount(1, Directory.GetFiles(folder["board"]));
        Assert.HasCount(3, _log.Where(line => line.StartsWith("Validation", StringComparison.Ordinal)).ToArray());
        // Looking costs nothing of the result.
        Dictionary<string, TorchSharp.torch.Tensor> expected = unseen.Model.Parameters().ToDictionary(p => p.Key, p => p.Value);
        foreach ((string name, TorchSharp.torch.Tensor weight) in seen.Model.Parameters()) Assert.IsTrue(ToyTask.SameBits(expected[name], weight), name);
        watched.ValidationPictures = 0;
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => _ml.MetaMorph().Trainers.Autoencoder(watched), "ValidationPictures is 0; at least 1 is needed.");
    }

    private sealed class Receiver : IProgress<TrainingStatus>
    {
        public List<TrainingStatus> All { get; } = [];

        public void Report(TrainingStatus value) => All.Add(value);
    }

    private sealed class Picture
    {
        [ImageType(16, 16)]
        public MLImage? Image { get; set; }
    }
}
