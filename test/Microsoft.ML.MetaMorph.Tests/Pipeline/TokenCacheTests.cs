using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class TokenCacheTests
{
    private const int Side = 4, Rows = 6, Count = 2, Width = 3;

    private readonly MLContext _ml = new(seed: 1);

    private int _computed;

    /// <summary>Three epochs in three orders: each row's tokens are computed once, and they stay the row's own.</summary>
    [TestMethod]
    [DataRow(1L << 20, false, Rows, 0, Rows)]
    [DataRow(0L, true, 0, Rows, Rows)]
    [DataRow(4L * Count * Width * 2, true, 2, Rows - 2, Rows)]
    [DataRow(4L * Count * Width * 2, false, 2, 0, null)]
    public void TokensAreComputedOnce(long budget, bool file, int inMemory, int inFile, int? computed)
    {
        string folder = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));
        try
        {
            var cache = new TokenCache(budget, file ? folder : null);
            var pictures = new TrainingPictures(View(), Settings, new TokenSettings("Tokens", Count, Width, cache));
            TrainingPicture[] read = [.. pictures.Endless(3).Take(3 * Rows).Select(batch => batch.Single())];
            for (int epoch = 0; epoch < 3; epoch++) CollectionAssert.AreEquivalent(Enumerable.Range(0, Rows).Select(i => (long)i).ToArray(), read.Skip(epoch * Rows).Take(Rows).Select(picture => picture.Row).ToArray());
            Assert.IsFalse(read.Take(Rows).Select(picture => picture.Row).SequenceEqual(read.Skip(Rows).Take(Rows).Select(picture => picture.Row)), "orders differ");
            foreach (TrainingPicture picture in read)
            {
                CollectionAssert.AreEqual(TokensOf((int)picture.Row), picture.Tokens.ToArray());
                Assert.AreEqual((byte)(10 * picture.Row), picture.Picture.Pixels[0], "the picture is of the same row");
            }

            Assert.AreEqual((inMemory, inFile), (cache.InMemory, cache.InFile));
            // Where some rows are missing, how often the others are computed is ML.NET's affair: it computes active columns ahead, on several threads.
            if (computed is not null) Assert.AreEqual(computed, _computed);
            cache.Dispose();
            Assert.IsTrue(!Directory.Exists(folder) || Directory.GetFiles(folder).Length == 0, "the file is gone");
        }
        finally
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    public void RowsOfOneIdAreNotMixedUp()
    {
        using var cache = new TokenCache(1 << 20);
        var id = new DataViewRowId(7, 0);
        Assert.IsNull(cache.Find(id));
        cache.Add(id, [1]);
        Assert.IsNull(cache.Find(id), "another row of that id in the first pass");
        cache.Add(id, [2]);
        cache.EndPass(2);
        Assert.IsFalse(cache.IsComplete);
        Assert.IsNull(cache.Find(id));
    }

    [TestMethod]
    public void ATrainingThatKeepsTokensGivesTheSameWeights()
    {
        VisualizerTrainer.Options Options(int megabytes) => new()
        {
            VisualTokensColumnName = "Tokens",
            Architecture = new VisualizerArchitecture { ImageSize = 8, PixelsPerSample = 2, Channels = [16], HeadCount = 2, ConditionWidth = 16, GridChannels = 0 },
            Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = 5, BatchSize = 4, Precision = Precision.Float32 },
            TokenCacheMegabytes = megabytes,
        };
        using GenerateImagesTransformer kept = _ml.MetaMorph().Trainers.Visualizer(Options(1)).Fit(View());
        Assert.AreEqual(Rows, _computed);
        using GenerateImagesTransformer again = _ml.MetaMorph().Trainers.Visualizer(Options(0)).Fit(View());
        Assert.IsGreaterThan(2 * Rows, _computed);
        Dictionary<string, TorchSharp.torch.Tensor> expected = again.Model.Parameters().ToDictionary(p => p.Key, p => p.Value);
        foreach ((string name, TorchSharp.torch.Tensor weight) in kept.Model.Parameters()) Assert.IsTrue(ToyTask.SameBits(expected[name], weight), name);
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => _ml.MetaMorph().Trainers.Visualizer(Options(-1)), "TokenCacheMegabytes is -1; at least 0 is needed.");
    }

    private static PictureSettings Settings { get; } = new(["Image"], null, Side, ImageAspectRatio.Square, 1);

    private static float[] TokensOf(int row) => [.. Enumerable.Range(0, Count * Width).Select(i => row + i / 10f)];

    /// <summary>The bytes of a PNG file.</summary>
    private static byte[] Picture(int row)
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.png");
        try
        {
            byte[] pixels = new byte[Side * Side * 3];
            Array.Fill(pixels, (byte)(10 * row));
            DrawnPicture.Save(new RgbImage(Side, Side, pixels), path);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Rows whose tokens are computed when they are asked for, and counted.</summary>
    private IDataView View()
    {
        // A cache can be read in any order; it takes encoded pictures, but no MLImage.
        IDataView rows = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, Rows).Select(i => new Row { Image = Picture(i), Number = i })));
        return _ml.Transforms.CustomMapping<Numbered, Encoded>(
            (from, to) =>
            {
                Interlocked.Increment(ref _computed);
                to.Tokens = TokensOf((int)from.Number);
            },
            contractName: null).Fit(rows).Transform(rows);
    }

    private sealed class Row
    {
        public byte[] Image { get; set; } = [];

        public float Number { get; set; }
    }

    private sealed class Numbered
    {
        public float Number { get; set; }
    }

    private sealed class Encoded
    {
        [VectorType(1, Count, Width)]
        public float[] Tokens { get; set; } = [];
    }
}
