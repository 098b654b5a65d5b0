using System.Buffers.Binary;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using Tensorboard;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class VisualizerValidationTests
{
    private const int Side = 8;

    private readonly MLContext _ml = new(seed: 1);

    [ClassInitialize]
    public static void BeginOneThread(TestContext _) => OneThread.Begin();

    [ClassCleanup]
    public static void EndOneThread() => OneThread.End();

    [TestMethod]
    public void SheetsAndEventsAreWrittenNowAndThenAndAtTheEnd()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            string sheets = Path.Combine(folder, "sheets"), board = Path.Combine(folder, "board");
            var told = new List<TrainingStatus>();
            VisualizerTrainer.Options options = Options(steps: 5);
            (options.ValidationInterval, options.ValidationFolder, options.TensorBoardFolder, options.ValidationPictures) = (2, sheets, board, 3);
            options.Progress = new Receiver(told.Add);
            using GenerateImagesTransformer trained = _ml.MetaMorph().Trainers.Visualizer(options).Fit(Rows(8), Rows(4));

            string[] names = [.. Directory.GetFiles(sheets).Select(path => Path.GetFileName(path)).Order()];
            CollectionAssert.AreEqual(new[] { "step-000002.png", "step-000004.png", "step-000005.png" }, names);
            CollectionAssert.AreEqual(new[] { false, true, false, true, false }, told.Select(status => status.ValidationLoss is not null).ToArray());
            RgbImage sheet = ImageDecoder.DecodeFile(Path.Combine(sheets, names[^1]));
            Assert.AreEqual((2 * (Side + 2) + 2, 3 * (Side + 2) + 2), (sheet.Width, sheet.Height));
            for (int row = 0; row < 3; row++)
            {
                // The true picture, on the left, is of one colour.
                int at = 3 * ((2 + row * (Side + 2) + 4) * sheet.Width + 6);
                CollectionAssert.AreEqual(Colour(row), sheet.Pixels[at..(at + 3)], $"row {row}");
            }

            List<Event> events = [.. Events(Directory.GetFiles(board).Single())];
            CollectionAssert.AreEqual(told.Select(status => (float)status.Loss).ToArray(), Scalars(events, "train/loss").Select(e => e.Value).ToArray());
            CollectionAssert.AreEqual(new long[] { 1, 2, 3, 4, 5 }, Scalars(events, "train/learning rate").Select(e => e.Step).ToArray());
            (long Step, float Value)[] losses = [.. Scalars(events, "validation/loss")];
            CollectionAssert.AreEqual(new long[] { 2, 4, 5 }, losses.Select(e => e.Step).ToArray());
            CollectionAssert.AreEqual(told.Select(status => status.ValidationLoss).OfType<double>().Select(loss => (float)loss).ToArray(), losses[..2].Select(e => e.Value).ToArray());
            Event[] pictures = [.. events.Where(e => e.Summary is not null && e.Summary.Value.Any(value => value.Tag == "validation/pictures"))];
            CollectionAssert.AreEqual(new long[] { 2, 4, 5 }, pictures.Select(e => e.Step).ToArray());
            RgbImage logged = ImageDecoder.Decode(pictures[^1].Summary.Value[0].Image.EncodedImageString.ToByteArray(), "event");
            CollectionAssert.AreEqual(sheet.Pixels, logged.Pixels);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Looking costs nothing of the result: the same weights, bit for bit, with averages and without.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ATrainingThatIsLookedAtGivesTheSameWeights(bool averaging)
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            VisualizerTrainer.Options plain = Options(steps: 3), watched = Options(steps: 3);
            foreach (VisualizerTrainer.Options options in new[] { plain, watched }) options.Training = options.Training with { AveragingDecay = averaging ? 0.9 : null };
            (watched.ValidationInterval, watched.ValidationFolder) = (1, folder);
            using GenerateImagesTransformer unseen = _ml.MetaMorph().Trainers.Visualizer(plain).Fit(Rows(8)), seen = _ml.MetaMorph().Trainers.Visualizer(watched).Fit(Rows(8), Rows(4));
            Dictionary<string, TorchSharp.torch.Tensor> expected = unseen.Model.Parameters().ToDictionary(p => p.Key, p => p.Value);
            foreach ((string name, TorchSharp.torch.Tensor weight) in seen.Model.Parameters()) Assert.IsTrue(ToyTask.SameBits(expected[name], weight), name);
            Assert.HasCount(3, Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void OptionsOutOfRangeAreNamed()
    {
        VisualizerTrainer.Options every = Options(1), pictures = Options(1);
        every.ValidationInterval = 0;
        pictures.ValidationPictures = 0;
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => _ml.MetaMorph().Trainers.Visualizer(every), "ValidationInterval is 0; at least 1 is needed.");
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => _ml.MetaMorph().Trainers.Visualizer(pictures), "ValidationPictures is 0; at least 1 is needed.");
    }

    private static IEnumerable<(long Step, float Value)> Scalars(IEnumerable<Event> events, string tag)
        => events.Where(e => e.Summary is not null).SelectMany(e => e.Summary.Value.Where(value => value.Tag == tag).Select(value => (e.Step, value.SimpleValue)));

    /// <summary>TFRecords: a length, its checksum, the bytes, their checksum.</summary>
    private static IEnumerable<Event> Events(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        for (int at = 0; at < file.Length;)
        {
            int length = checked((int)BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(at)));
            yield return Event.Parser.ParseFrom(file, at + 12, length);
            at += 12 + length + 4;
        }
    }

    private static VisualizerTrainer.Options Options(int steps) => new()
    {
        VisualTokensColumnName = "Tokens",
        Architecture = new VisualizerArchitecture { ImageSize = Side, PixelsPerSample = 2, Channels = [16, 24], HeadCount = 2, ConditionWidth = 16, GridChannels = 8 },
        Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = steps, BatchSize = 4, AveragingDecay = null, Precision = Precision.Float32 },
        Generation = new ImageGenerationOptions { Steps = 2, GuidanceScale = 2 },
    };

    private IDataView Rows(int count) => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => new Row { Image = Picture(Colour(i)), Tokens = [.. Enumerable.Range(0, 16).Select(k => k % 4 == i % 4 ? 1f : 0f)] }));

    [TestMethod]
    public void NobodyEvaluatesAfterACancellation()
    {
        using var stop = new CancellationTokenSource();
        VisualizerTrainer.Options options = Options(steps: 100);
        (options.KeepCancelled, options.CancellationToken, options.Progress) = (true, stop.Token, new Receiver(status => stop.Cancel()));
        var log = new List<string>();
        _ml.Log += (_, entry) => log.Add(entry.RawMessage);
        _ml.MetaMorph().Trainers.Visualizer(options).Fit(Rows(8), Rows(4)).Dispose();
        Assert.Contains("Cancelled after 1 steps.", log);
        Assert.IsFalse(log.Any(line => line.StartsWith("Validation", StringComparison.Ordinal)));
    }

    private static byte[] Colour(int row) => [(byte)(40 + 60 * (row % 4)), 90, (byte)(200 - 50 * (row % 4))];

    private static MLImage Picture(byte[] colour)
    {
        byte[] pixels = [.. Enumerable.Range(0, Side * Side).SelectMany(_ => new[] { colour[2], colour[1], colour[0], byte.MaxValue })];
        return MLImage.CreateFromPixels(Side, Side, MLPixelFormat.Bgra32, pixels);
    }

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }

    private sealed class Row
    {
        [ImageType(Side, Side)]
        public MLImage? Image { get; set; }

        [VectorType(0, 4, 4)]
        public float[] Tokens { get; set; } = [];
    }
}
