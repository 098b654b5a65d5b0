using System.IO.Compression;
using Microsoft.ML.Data;
using static Microsoft.ML.MetaMorph.Tests.TinyDrawings;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Drawings that start from a picture, and such that are led away from tokens.</summary>
[TestClass]
public sealed class StartedDrawingTests
{
    private readonly MLContext _ml = new(seed: 1);

    /// <summary>Rows of all four kinds in one batch, each against the sampler alone.</summary>
    [TestMethod]
    public void EachRowOfABatchDrawsWhatTheSamplerDrawsOfItAlone()
    {
        using Visualizer visualizer = Open();
        TokenRow[] rows = [Row(1, 1, 1, start: 40), Row(2, 2, 0, start: null), Row(3, 1, 1, start: null), Row(4, 1, 0, start: 200), Row(5, 2, 2, start: 90)];
        using GenerateImagesTransformer transformer = Estimator(visualizer).Fit(View(rows));
        byte[][][] drawn = Pictures(transformer, rows);
        using VisualizerModel model = Fresh();
        for (int row = 0; row < rows.Length; row++)
        {
            for (int i = 0; i < rows[row].Tokens.Length / PictureLength; i++) AssertClose(Alone(model, rows[row], i), drawn[row][i], $"row {row}, picture {i}");
        }

        // Something is left of the start: grey 200 stays lighter than grey 40.
        Assert.IsGreaterThan(50, drawn[3][0].Average(value => value) - drawn[0][0].Average(value => value));
        Assert.IsFalse(drawn[2][0].AsSpan().SequenceEqual(Alone(model, rows[2] with { Negative = [] }, 0)), "negative tokens change the picture");
    }

    [TestMethod]
    public void PassesTheWorkout()
    {
        using Visualizer visualizer = Open();
        using GenerateImagesTransformer transformer = EstimatorWorkout.Run(_ml, Estimator(visualizer), View(Row(1, 1, 1, 40), Row(2, 0, 0, null), Row(3, 2, 0, 90), Row(4, 1, 1, null)), ["Picture", "Picture1"]);
    }

    [TestMethod]
    public void TheZipKeepsTheColumnsAndOneWithoutThemOpens()
    {
        using var folder = new ScratchFolder();
        Directory.CreateDirectory(folder.Path);
        using Visualizer visualizer = Open();
        TokenRow[] rows = [Row(1, 1, 1, start: 40)];
        using GenerateImagesTransformer transformer = Estimator(visualizer).Fit(View(rows));
        _ml.Model.Save(transformer, View(rows).Schema, folder["new.zip"]);
        using var loaded = (GenerateImagesTransformer)new MLContext().Model.Load(folder["new.zip"], out _);
        AssertClose(Pictures(transformer, rows)[0][0], Pictures(loaded, rows)[0][0], "loaded");

        File.Copy(folder["new.zip"], folder["old.zip"]);
        WithoutColumns(folder["old.zip"]);
        using var old = (GenerateImagesTransformer)new MLContext(1).Model.Load(folder["old.zip"], out _);
        using VisualizerModel model = Fresh();
        AssertClose(Alone(model, rows[0] with { Start = null, Negative = [] }, 0), Pictures(old, rows)[0][0], "an old zip draws from noise");
    }

    [TestMethod]
    public void WhatDoesNotFitIsRefused()
    {
        using Visualizer visualizer = Open();
        using GenerateImagesTransformer transformer = Estimator(visualizer).Fit(View(Row(1, 1, 0, null)));
        TokenRow odd = Row(1, 1, 0, start: null) with { Start = MLImage.CreateFromPixels(2, 1, MLPixelFormat.Bgra32, new byte[8]) };
        Assert.AreEqual(
            "Row 1, column 'Start', picture 1: the picture to start from has 2x1 pixels, but 16x16 are drawn. Resize it (ResizeImages), or set Width and Height of the ImageGenerationOptions.",
            Assert.Throws<InvalidDataException>(() => Pictures(transformer, [Row(1, 1, 0, null), odd])).Message);
        Assert.AreEqual(
            "Row 2, column 'Negative': the negative tokens are those of 1 pictures, but 'Tokens' has those of 2. Give as many, or none for a row that is led away from nothing.",
            Assert.Throws<InvalidDataException>(() => Pictures(transformer, [Row(1, 1, 0, null), Row(1, 0, 0, null), Row(1, 2, 1, null)])).Message);
        Assert.AreEqual(
            "The column 'Tokens' (pictures to start from) has the type Vector<Single, *, 16, 12>; MLImage is needed.",
            Assert.Throws<ArgumentException>(() => Estimator(visualizer, start: "Tokens").Fit(View(Row(1, 1, 0, null)))).Message);
        Assert.AreEqual(
            "There is no column 'None' (negative visual tokens). The columns are: Tokens, Negative, Start, Before.",
            Assert.Throws<ArgumentException>(() => Estimator(visualizer, negative: "None").Fit(View(Row(1, 1, 0, null)))).Message);
        Assert.AreEqual(
            "StartImageColumnName is empty; name a column, or set it to null for none.",
            Assert.Throws<ArgumentException>(() => Estimator(visualizer, start: "")).Message);
        ImageGenerationOptions weak = Quick;
        weak.Strength = 0.2;
        Assert.AreEqual(
            "Strength 0.2 of 4 steps leaves no step; take at least 0.25, or more steps. (Parameter 'strength')",
            Assert.Throws<ArgumentException>(() => transformer.WithGeneration(weak)).Message);
    }

    /// <summary>PNDM asks the network more often than there are steps: once with Stable Diffusion's settings, nine times with Runge–Kutta steps.</summary>
    [TestMethod]
    public void ProgressCountsTheCallsOfTheNetwork()
    {
        using Visualizer visualizer = Open();
        TokenRow[] rows = [Row(1, 1, 0, start: 40), Row(2, 1, 0, start: null)];
        var seen = new List<(int, int, int)>();
        ImageGenerationOptions generation = Quick;
        (generation.Scheduler, generation.Steps) = (DiffusionSchedulerKind.Pndm, 6);
        using GenerateImagesTransformer transformer = _ml.MetaMorph().GenerateImages(new GenerateImagesEstimator.Options
        {
            InputColumnName = "Tokens",
            StartImageColumnName = "Start",
            Visualizer = visualizer,
            Generation = generation,
            MaximumImages = 2,
            Progress = new Receiver(status => seen.Add((status.FirstPicture, status.Pictures, status.Steps))),
        }).Fit(View(rows));
        Pictures(transformer, rows);
        CollectionAssert.AreEqual(Enumerable.Repeat((0, 1, 12), 12).Concat(Enumerable.Repeat((1, 1, 15), 15)).ToArray(), seen);
        using DiffusionScheduler published = DiffusionScheduler.Create(SchedulerConfig.StableDiffusion, 50);
        Assert.HasCount(51, published.Timesteps);
    }

    /// <summary>The picture is the one of the data, not of the batch.</summary>
    [TestMethod]
    public void AnAnswerThatIsNotANumberNamesTheRowOfTheData()
    {
        using Visualizer visualizer = Open();
        using GenerateImagesTransformer transformer = Estimator(visualizer, batchSize: 2).Fit(View(Row(1, 1, 0, null)));
        TokenRow strong = Row(1, 2, 0, null);
        strong.Tokens.AsSpan(PictureLength).Fill(float.MaxValue);
        TokenRow[] rows = [.. Enumerable.Range(0, 11).Select(i => Row(i, 2, 0, null)), strong];
        Assert.AreEqual(
            "Row 11, column 'Tokens': the answer for picture 2 is not a number. Look at the row's visual tokens; if they are sound, the weights are not, or the guidance is too strong for them.",
            Assert.ThrowsExactly<InvalidDataException>(() => Pictures(transformer, rows)).Message);
    }

    private static byte[][][] Pictures(GenerateImagesTransformer transformer, TokenRow[] rows)
    {
        IDataView drawn = transformer.Transform(View(rows));
        using DataViewRowCursor cursor = drawn.GetRowCursor(drawn.Schema);
        ValueGetter<MLImage>[] getters = [cursor.GetGetter<MLImage>(drawn.Schema["Picture"]), cursor.GetGetter<MLImage>(drawn.Schema["Picture1"])];
        var all = new List<byte[][]>();
        while (cursor.MoveNext())
        {
            all.Add([.. getters.Select(Pixels)]);
        }

        return [.. all];
    }

    private static void WithoutColumns(string path)
    {
        using ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Update);
        ZipArchiveEntry entry = zip.Entries.Single(e => e.FullName.EndsWith("metamorph.json", StringComparison.Ordinal));
        string name = entry.FullName, text;
        using (var reader = new StreamReader(entry.Open())) text = reader.ReadToEnd();
        string[] lines = text.Split('\n');
        string[] left = [.. lines.Where(line => !line.Contains("start_image_column_name", StringComparison.Ordinal) && !line.Contains("negative_tokens_column_name", StringComparison.Ordinal))];
        Assert.HasCount(lines.Length - 2, left);
        entry.Delete();
        using var writer = new StreamWriter(zip.CreateEntry(name).Open());
        writer.Write(string.Join('\n', left));
    }

    private static IDataView View(params TokenRow[] rows) => new MLContext().Data.LoadFromEnumerable(rows);

    private static TokenRow Row(int seed, int count, int negative, byte? start)
    {
        var random = new Random(seed);
        return new TokenRow { Tokens = Values(random, count), Negative = Values(random, negative), Start = start is { } grey ? Grey(grey) : null };
    }

    private GenerateImagesEstimator Estimator(Visualizer visualizer, string? start = "Start", string? negative = "Negative", int batchSize = 8) => _ml.MetaMorph().GenerateImages(new GenerateImagesEstimator.Options
    {
        InputColumnName = "Tokens",
        StartImageColumnName = start,
        NegativeTokensColumnName = negative,
        Visualizer = visualizer,
        Generation = Quick,
        MaximumImages = 2,
        BatchSize = batchSize,
    });

    private sealed class Receiver(Action<DrawingStatus> receive) : IProgress<DrawingStatus>
    {
        public void Report(DrawingStatus value) => receive(value);
    }
}
