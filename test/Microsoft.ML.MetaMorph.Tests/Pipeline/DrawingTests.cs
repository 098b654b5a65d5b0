using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class DrawingTests
{
    private const int Side = 8;
    private static readonly byte[][] Colours = [[220, 40, 40], [40, 200, 60], [50, 70, 230], [235, 220, 60]];

    private readonly MLContext _ml = new(seed: 1);

    private static VisualizerArchitecture Tiny { get; } = new() { ImageSize = Side, PixelsPerSample = 2, Channels = [16, 24], HeadCount = 2, ConditionWidth = 16, GridChannels = 8 };

    private static ImageGenerationOptions Quick { get; } = new() { Steps = 4, GuidanceScale = 2, Seed = 5 };

    [TestMethod]
    public void PassesTheWorkout()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            using Visualizer visualizer = Trained(steps: 2);
            EstimatorWorkout.Run(_ml, _ml.MetaMorph().GenerateImages("Files", "Tokens", visualizer, Quick, outputFolder: folder), Tokens(1, 0, 2, 1, 3), ["Files"]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void PicturesPassTheWorkout()
    {
        using Visualizer visualizer = Trained(steps: 2);
        using GenerateImagesTransformer transformer = EstimatorWorkout.Run(_ml, _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, Quick, maximumImages: 2), Tokens(1, 0, 2, 1), ["Picture", "Picture1"]);
    }

    [TestMethod]
    public void TheTrainerPassesTheWorkout()
    {
        using GenerateImagesTransformer transformer = EstimatorWorkout.Run(_ml, Trainer(steps: 2), _ml.Data.TakeRows(Rows(), 6), ["Picture"]);
    }

    /// <summary>Four colours, each told by its tokens: a visualizer that learnt draws them, also of tokens that it never saw in a row of several.</summary>
    [TestMethod]
    public void LearnsToDrawWhatTheTokensSay()
    {
        using Visualizer visualizer = Trained(steps: 250);
        using GenerateImagesTransformer transformer = _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, new ImageGenerationOptions { Steps = 12, GuidanceScale = 1, Seed = 3 }, maximumImages: 4).Fit(Tokens(1));
        RowOfFour row = _ml.Data.CreateEnumerable<RowOfFour>(transformer.Transform(Tokens(4)), reuseRowObject: false).Single();
        MLImage?[] pictures = [row.Picture, row.Picture1, row.Picture2, row.Picture3];
        for (int i = 0; i < 4; i++) Assert.AreEqual(i, Nearest(pictures[i]!), $"picture {i}");
        foreach (MLImage? picture in pictures) picture?.Dispose();
    }

    [TestMethod]
    public void AColumnForEachPictureAndNullWhereThereIsNone()
    {
        using Visualizer visualizer = Trained(steps: 1);
        using GenerateImagesTransformer transformer = _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, Quick, maximumImages: 4).Fit(Tokens(1));
        RowOfFour[] rows = [.. _ml.Data.CreateEnumerable<RowOfFour>(transformer.Transform(Tokens(0, 1, 3)), reuseRowObject: false)];
        bool[][] there = [.. rows.Select(row => new[] { row.Picture is not null, row.Picture1 is not null, row.Picture2 is not null, row.Picture3 is not null })];
        CollectionAssert.AreEqual(new[] { false, false, false, false }, there[0]);
        CollectionAssert.AreEqual(new[] { true, false, false, false }, there[1]);
        CollectionAssert.AreEqual(new[] { true, true, true, false }, there[2]);
        Assert.AreEqual((Side, Side), (rows[1].Picture!.Width, rows[1].Picture!.Height));
    }

    /// <summary>The same row alone, in a batch of others, and after a save: the same pixels, up to rounding.</summary>
    [TestMethod]
    public void ARowDrawsTheSamePictureAloneInABatchAndLoaded()
    {
        string zip = Path.GetTempFileName();
        try
        {
            using Visualizer visualizer = Trained(steps: 3);
            using GenerateImagesTransformer transformer = _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, Quick).Fit(Tokens(1));
            byte[] alone = Pixels(transformer, Tokens(1)).Single();
            byte[][] batch = Pixels(transformer, Tokens(2, 1, 3, 1));
            AssertClose(alone, batch[1]);
            AssertClose(alone, batch[3]);
            _ml.Model.Save(transformer, Tokens(1).Schema, zip);
            ITransformer loaded = new MLContext().Model.Load(zip, out _);
            AssertClose(alone, Pixels(loaded, Tokens(1)).Single());
            (loaded as IDisposable)?.Dispose();
        }
        finally
        {
            File.Delete(zip);
        }
    }

    [TestMethod]
    public void SeedsOfAColumnDecideTheNoise()
    {
        using Visualizer visualizer = Trained(steps: 1);
        using GenerateImagesTransformer transformer = _ml.MetaMorph().GenerateImages(new GenerateImagesEstimator.Options
        {
            InputColumnName = "Tokens",
            SeedColumnName = "Seed",
            Visualizer = visualizer,
            Generation = Quick,
        }).Fit(Tokens(1));
        byte[][] rows = Pixels(transformer, _ml.Data.LoadFromEnumerable([Row(1, 7), Row(1, 8), Row(1, 7)]));
        AssertClose(rows[0], rows[2]);
        Assert.IsFalse(rows[0].AsSpan().SequenceEqual(rows[1]), "another seed, another picture");
    }

    [TestMethod]
    public void AFolderGivesTheSamePictures()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            using Visualizer visualizer = Trained(steps: 2);
            visualizer.Save(folder);
            using Visualizer opened = Visualizer.Load(folder);
            Assert.AreEqual((4, 4, Side, Side), (opened.VisualTokenCount, opened.VisualTokenWidth, opened.PictureHeight, opened.PictureWidth));
            using GenerateImagesTransformer a = _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, Quick).Fit(Tokens(1));
            using GenerateImagesTransformer b = _ml.MetaMorph().GenerateImages("Picture", "Tokens", opened, Quick).Fit(Tokens(1));
            AssertClose(Pixels(a, Tokens(2))[0], Pixels(b, Tokens(2))[0]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void GoesOnTrainingAndLeavesTheStartAsItIs()
    {
        IDataView rows = Rows();
        VisualizerTrainer trainer = Trainer(steps: 2);
        using GenerateImagesTransformer first = trainer.Fit(rows);
        byte[] before = Pixels(first.WithGeneration(Quick), rows)[0];
        using GenerateImagesTransformer second = trainer.Fit(rows, first);
        AssertClose(before, Pixels(first.WithGeneration(Quick), rows)[0]);
        Assert.IsFalse(before.AsSpan().SequenceEqual(Pixels(second.WithGeneration(Quick), rows)[0]), "the second training changed something");
    }

    [TestMethod]
    public void ProgressPreviewAndCancellation()
    {
        using Visualizer visualizer = Trained(steps: 1);
        using var cancellation = new CancellationTokenSource();
        var steps = new List<int>();
        var progress = new Receiver(status =>
        {
            steps.Add(status.Step);
            using MLImage preview = status.Preview()[0];
            Assert.AreEqual((4, Side), (status.Steps, preview.Width));
            if (status.Step == 2) cancellation.Cancel();
        });
        using GenerateImagesTransformer transformer = _ml.MetaMorph().GenerateImages(new GenerateImagesEstimator.Options
        {
            InputColumnName = "Tokens",
            Visualizer = visualizer,
            Generation = Quick,
            Progress = progress,
            CancellationToken = cancellation.Token,
        }).Fit(Tokens(1));
        Assert.Throws<OperationCanceledException>(() => Pixels(transformer, Tokens(1)));
        CollectionAssert.AreEqual(new[] { 1, 2 }, steps);
    }

    /// <summary>As System.Progress hands reports on: each is handled when the drawing is over.</summary>
    [TestMethod]
    public void APreviewThatIsAskedForTooLateSaysWhatToDo()
    {
        using Visualizer visualizer = Trained(steps: 1);
        var reports = new List<DrawingStatus>();
        using GenerateImagesTransformer transformer = _ml.MetaMorph().GenerateImages(new GenerateImagesEstimator.Options
        {
            InputColumnName = "Tokens",
            Visualizer = visualizer,
            Generation = Quick,
            Progress = new Receiver(reports.Add),
        }).Fit(Tokens(1));
        Pixels(transformer, Tokens(1));
        Assert.HasCount(4, reports);
        foreach (DrawingStatus report in reports)
        {
            Assert.AreEqual(
                $"The preview of step {report.Step} of 4 can no longer be made: its report has been handled, and the drawing has gone on. System.Progress<T> hands reports on to be handled later, on another thread. "
                + "Give Progress an IProgress<DrawingStatus> of your own that calls Preview in its Report, at once, and hand the pictures on.",
                Assert.ThrowsExactly<InvalidOperationException>(() => report.Preview()).Message);
        }
    }

    /// <summary>Without options of drawing, a visualizer that goes on draws as the one did that it goes on from.</summary>
    [TestMethod]
    public void GoesOnDrawingAsThePreviousOne()
    {
        IDataView rows = Rows();
        using GenerateImagesTransformer first = Fit(null, null), previous = first.WithGeneration(new ImageGenerationOptions { Steps = 3, GuidanceScale = 1.5, Seed = 9 });
        using GenerateImagesTransformer second = Fit(null, previous), other = Fit(Quick, previous);
        Assert.AreEqual((30, 2.0, null), Drawing(first));
        Assert.AreEqual((3, 1.5, 9), Drawing(second));
        Assert.AreEqual((4, 2.0, 5), Drawing(other));
        using GenerateImagesTransformer same = second.WithGeneration(new ImageGenerationOptions { Steps = 3, GuidanceScale = 1.5, Seed = 9 });
        AssertClose(Pixels(same, Tokens(1))[0], Pixels(second, Tokens(1))[0]);

        static (int Steps, double Guidance, int? Seed) Drawing(GenerateImagesTransformer transformer) => (transformer.Generation.Steps, transformer.Generation.GuidanceScale, transformer.Generation.Seed);

        GenerateImagesTransformer Fit(ImageGenerationOptions? generation, GenerateImagesTransformer? start) => _ml.MetaMorph().Trainers.Visualizer(new VisualizerTrainer.Options
        {
            VisualTokensColumnName = "Tokens",
            Architecture = Tiny,
            Generation = generation,
            Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = 1, BatchSize = 8, AveragingDecay = null },
        }).Fit(rows, null, start);
    }

    [TestMethod]
    public void WhatDoesNotFitIsRefusedWithBothNumbers()
    {
        using Visualizer visualizer = Trained(steps: 1);
        IDataView wide = _ml.Data.LoadFromEnumerable([new Wide()], SchemaDefinition.Create(typeof(Wide)));
        string message = Assert.Throws<ArgumentException>(() => _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer).Fit(wide)).Message;
        foreach (string part in new[] { "'Tokens'", "9 tokens a picture, each 4 wide", "4 tokens, each 4 wide" }) StringAssert.Contains(message, part);
        foreach (int images in new[] { 0, 1025 })
        {
            Assert.AreEqual(
                $"MaximumImages is {images}; it must be at least 1 and at most 1024. (Parameter 'MaximumImages')",
                Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MetaMorph().GenerateImages("P", "Tokens", visualizer, maximumImages: images)).Message);
        }

        Assert.IsNotNull(_ml.MetaMorph().GenerateImages("P", "Tokens", visualizer, maximumImages: 1024));
        StringAssert.Contains(Assert.Throws<ArgumentOutOfRangeException>(() => new ImageGenerationOptions { GuidanceScale = double.NaN }).Message, "GuidanceScale is NaN");
        StringAssert.Contains(Assert.Throws<ArgumentOutOfRangeException>(() => new ImageGenerationOptions { Steps = 0 }).Message, "Steps is 0");
    }

    /// <summary>What the visualizer cannot draw is said when the estimator is made, when it is fitted after a change, and by other options of drawing.</summary>
    [TestMethod]
    public void OptionsThatTheVisualizerCannotDrawWithAreRefusedBeforeAnyRow()
    {
        using Visualizer visualizer = Trained(steps: 1);
        (Action<ImageGenerationOptions> Set, string Message)[] cases =
        [
            (o => o.Steps = 5000, "Steps is 5000; it must be between 1 and 1000, the timesteps that the visualizer was trained with. (Parameter 'Steps')"),
            (o => o.Width = 9, "Width is 9 pixels; this visualizer needs a multiple of 2 (2 pixels along a side of a sample's pixel, times 1 for the network's halvings), such as 8 or 10."),
            (o => (o.Height, o.Width) = (24_000, 24_000), "Height 24000 times Width 24000 is 576000000 pixels; a picture of ML.NET has at most 536870897, such as 23170 x 23170. (Parameter 'options')"),
            (o => (o.Height, o.Width) = (65_536, 65_536), "Height 65536 times Width 65536 is 4294967296 pixels; a picture of ML.NET has at most 536870897, such as 23170 x 23170. (Parameter 'options')"),
            (o => o.KarrasSigmas = true, "KarrasSigmas is true, but Ddim has no noise levels to space. Choose the Scheduler Euler or DpmSolverMultistep, or leave KarrasSigmas out. (Parameter 'options')"),
            (o => (o.KarrasSigmas, o.Scheduler) = (true, DiffusionSchedulerKind.EulerAncestral), "KarrasSigmas is true, but EulerAncestral has no noise levels to space. Choose the Scheduler Euler or DpmSolverMultistep, or leave KarrasSigmas out. (Parameter 'options')"),
        ];
        foreach ((Action<ImageGenerationOptions> set, string message) in cases)
        {
            var generation = new ImageGenerationOptions();
            var options = new GenerateImagesEstimator.Options { InputColumnName = "Tokens", Visualizer = visualizer, Generation = generation };
            GenerateImagesEstimator estimator = _ml.MetaMorph().GenerateImages(options);
            using GenerateImagesTransformer fitted = estimator.Fit(Tokens(1));
            set(generation);
            foreach (Action act in new Action[] { () => _ml.MetaMorph().GenerateImages(options), () => estimator.Fit(Tokens(1)), () => fitted.WithGeneration(generation) })
                Assert.AreEqual(message, Assert.Throws<ArgumentException>(act).Message);
        }

        foreach (DiffusionSchedulerKind kind in new[] { DiffusionSchedulerKind.Euler, DiffusionSchedulerKind.DpmSolverMultistep })
            _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, new ImageGenerationOptions { KarrasSigmas = true, Scheduler = kind }).Fit(Tokens(1)).Dispose();
    }

    /// <summary>The published layout's files, completed by another folder, draw the same.</summary>
    [TestMethod]
    public void ACheckpointGivesTheSamePictures()
    {
        using var folder = new ScratchFolder();
        using Visualizer visualizer = Trained(steps: 2);
        using Visualizer other = Trained(steps: 1);
        other.Save(folder["base"]);
        Directory.Delete(folder["base/adapter"], recursive: true);
        visualizer.SaveCheckpoint(folder["own"]);
        using Visualizer opened = Visualizer.Load(folder["own"], new VisualizerOptions { StableDiffusionFolder = folder["base"] });
        using GenerateImagesTransformer a = _ml.MetaMorph().GenerateImages("Picture", "Tokens", visualizer, Quick).Fit(Tokens(1));
        using GenerateImagesTransformer b = _ml.MetaMorph().GenerateImages("Picture", "Tokens", opened, Quick).Fit(Tokens(1));
        AssertClose(Pixels(a, Tokens(2))[0], Pixels(b, Tokens(2))[0]);
    }

    private static byte[][] Pixels(ITransformer transformer, IDataView rows)
    {
        var pictures = new List<byte[]>();
        IDataView view = transformer.Transform(rows);
        using DataViewRowCursor cursor = view.GetRowCursor([view.Schema["Picture"]]);
        ValueGetter<MLImage> getter = cursor.GetGetter<MLImage>(view.Schema["Picture"]);
        MLImage? image = null;
        while (cursor.MoveNext())
        {
            getter(ref image!);
            pictures.Add(image is null ? [] : image.Pixels.ToArray());
        }

        image?.Dispose();
        return [.. pictures];
    }

    private static void AssertClose(byte[] expected, byte[] actual)
    {
        Assert.HasCount(expected.Length, actual);
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], actual[i], 1.01, $"byte {i}");
    }

    private static int Nearest(MLImage picture)
    {
        ReadOnlySpan<byte> pixels = picture.Pixels;
        var mean = new double[3];
        for (int i = 0; i < pixels.Length; i += 4)
            for (int c = 0; c < 3; c++) mean[c] += pixels[i + 2 - c];
        for (int c = 0; c < 3; c++) mean[c] /= pixels.Length / 4;
        return Enumerable.Range(0, Colours.Length).MinBy(k => Enumerable.Range(0, 3).Sum(c => Math.Abs(mean[c] - Colours[k][c])));
    }

    private VisualizerTrainer Trainer(int steps) => _ml.MetaMorph().Trainers.Visualizer(new VisualizerTrainer.Options
    {
        VisualTokensColumnName = "Tokens",
        Architecture = Tiny,
        Generation = Quick,
        Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = steps, BatchSize = 8, LearningRate = 4e-3, AveragingDecay = null },
    });

    private Visualizer Trained(int steps)
    {
        using GenerateImagesTransformer transformer = Trainer(steps).Fit(Rows());
        return transformer.Visualizer;
    }

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 16).Select(i => new PictureRow { Image = Solid(Colours[i % 4]), Tokens = TokensOf(i % 4) }));

    /// <summary>Rows of so many pictures' tokens: the k-th picture of a row is of the k-th colour.</summary>
    private IDataView Tokens(params int[] counts) => _ml.Data.LoadFromEnumerable(counts.Select(count => Row(count, 0)));

    private static TokenRow Row(int count, int seed) => new() { Tokens = [.. Enumerable.Range(0, count).SelectMany(TokensOf)], Seed = seed };

    /// <summary>Four tokens of width four that say which colour it is.</summary>
    private static float[] TokensOf(int colour) => [.. Enumerable.Range(0, 16).Select(i => i % 4 == colour ? 1f : 0f)];

    private static MLImage Solid(byte[] colour)
    {
        byte[] pixels = [.. Enumerable.Range(0, Side * Side).SelectMany(_ => new[] { colour[2], colour[1], colour[0], byte.MaxValue })];
        return MLImage.CreateFromPixels(Side, Side, MLPixelFormat.Bgra32, pixels);
    }

    private sealed class Receiver(Action<DrawingStatus> receive) : IProgress<DrawingStatus>
    {
        public void Report(DrawingStatus value) => receive(value);
    }

    private sealed class PictureRow
    {
        [ImageType(Side, Side)]
        public MLImage? Image { get; set; }

        [VectorType(0, 4, 4)]
        public float[] Tokens { get; set; } = [];
    }

    private sealed class TokenRow
    {
        [VectorType(0, 4, 4)]
        public float[] Tokens { get; set; } = [];

        public int Seed { get; set; }
    }

    private sealed class Wide
    {
        [VectorType(0, 9, 4)]
        public float[] Tokens { get; set; } = [];
    }

    private sealed class RowOfFour
    {
        [ImageType(Side, Side)]
        public MLImage? Picture { get; set; }

        [ImageType(Side, Side)]
        public MLImage? Picture1 { get; set; }

        [ImageType(Side, Side)]
        public MLImage? Picture2 { get; set; }

        [ImageType(Side, Side)]
        public MLImage? Picture3 { get; set; }
    }
}
