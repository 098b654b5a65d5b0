using Microsoft.ML.Data;
using static Microsoft.ML.MetaMorph.Tests.TinyDrawings;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A row that cannot be drawn fails alone: the pictures beside it in a batch are what they are without it.</summary>
[TestClass]
public sealed class DrawingRowsTests
{
    private const string NotANumber = "is not a number. Look at the row's visual tokens; if they are sound, the weights are not, or the guidance is too strong for them.";

    private static readonly string[] Errors =
    [
        "",
        "Row 1, column 'Tokens': 100 values are not a whole number of pictures; a picture has 16 tokens × 12 = 192 values. Encode the pictures with EncodeImages.",
        "",
        "Row 3, column 'Tokens': picture 1, visual token 2, value 3 is NaN; visual tokens must be finite numbers. Encode the picture again; if that gives the same, the encoder's weights are broken.",
        "Row 4, column 'Start', picture 1: the picture to start from has 2x1 pixels, but 16x16 are drawn. Resize it (ResizeImages), or set Width and Height of the ImageGenerationOptions.",
        $"Row 5, column 'Tokens': the answer for picture 2 {NotANumber}",
        "",
        "Row 7, column 'Negative': the negative tokens are those of 1 pictures, but 'Tokens' has those of 2. Give as many, or none for a row that is led away from nothing.",
        "",
    ];

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void WithAnErrorColumnBadRowsSaySoAndTheOthersAreDrawnAsAlone()
    {
        using Visualizer visualizer = Open();
        using GenerateImagesTransformer transformer = Estimator(visualizer, "Error").Fit(View());
        IDataView drawn = transformer.Transform(View());
        CollectionAssert.AreEqual(Errors, ColumnValues.Rows(drawn, ["Error"]).Select(row => (string)row[0]!).ToArray(), "the errors alone");
        Read(drawn, (row, picture, second, error) =>
        {
            Assert.AreEqual(Errors[row], error);
            AssertDrawn(row, picture(), second());
        });
    }

    [TestMethod]
    public void WithoutOneTheBadRowThrowsAndTheOthersAreDrawnAsAlone()
    {
        using Visualizer visualizer = Open();
        using GenerateImagesTransformer transformer = Estimator(visualizer, null).Fit(View());
        Read(transformer.Transform(View()), (row, picture, second, _) =>
        {
            if (Errors[row].Length == 0) AssertDrawn(row, picture(), second());
            else Assert.AreEqual(Errors[row], Assert.ThrowsExactly<InvalidDataException>(() => picture()).Message);
        });
    }

    /// <summary>Pictures to start from that a stock transformer loads: a file that is not there, and one that is no picture.</summary>
    [TestMethod]
    public void AStartThatCannotBeReadFailsAlone()
    {
        using var folder = new ScratchFolder();
        folder.Write("words.png", "these are words");
        using (MLImage grey = Grey(90)) DrawnPicture.Save(RgbImage.FromMLImage(grey), folder["good.png"]);
        string[] files = ["good.png", "none.png", "good.png", "words.png"];
        float[][] tokens = [.. Enumerable.Range(0, 4).Select(i => Values(new Random(i), 1))];
        IDataView rows = _ml.Transforms.LoadImages("Start", folder.Path, "Path").Fit(PathRows(files, tokens)).Transform(PathRows(files, tokens));
        using Visualizer visualizer = Open();
        using GenerateImagesTransformer transformer = Estimator(visualizer, "Error", negative: null).Fit(rows);
        using VisualizerModel model = Fresh();
        Read(transformer.Transform(rows), (row, picture, _, error) =>
        {
            if (row is 1 or 3) StringAssert.StartsWith(error, $"Row {row}, column 'Start': ");
            else AssertClose(Alone(model, new TokenRow { Tokens = tokens[row], Start = Grey(90) }, 0), picture(), $"row {row}");
            if (row is 1 or 3) Assert.HasCount(0, picture());
        });
    }

    [TestMethod]
    public void InAFolderABadRowHasNoFiles()
    {
        using var folder = new ScratchFolder();
        using Visualizer visualizer = Open();
        GenerateImagesEstimator.Options options = Options(visualizer, "Error");
        options.OutputFolder = folder["pictures"];
        using GenerateImagesTransformer transformer = _ml.MetaMorph().GenerateImages(options).Fit(View());
        List<object?[]> rows = ColumnValues.Rows(transformer.Transform(View()), ["Picture", "Error"]);
        int[] counts = [.. rows.Select(row => ((Array)row[0]!).Length)];
        CollectionAssert.AreEqual(new[] { 1, 0, 2, 0, 0, 0, 1, 0, 1 }, counts);
        CollectionAssert.AreEqual(Errors, rows.Select(row => (string)row[1]!).ToArray());
        Assert.HasCount(5, Directory.GetFiles(folder["pictures"]));
    }

    /// <summary>What kept a row from having tokens is its error, and the model keeps the columns.</summary>
    [TestMethod]
    public void AnErrorOfWhatMakesTheTokensIsTakenOver()
    {
        using var folder = new ScratchFolder();
        Directory.CreateDirectory(folder.Path);
        using Visualizer visualizer = Open();
        GenerateImagesEstimator.Options options = Options(visualizer, "Error");
        options.InputErrorColumnName = "Before";
        TokenRow[] rows = [new() { Tokens = Values(new Random(1), 1) }, new() { Before = "Row 1, column 'Image': no picture." }, new()];
        IDataView data = _ml.Data.LoadFromEnumerable(rows);
        using GenerateImagesTransformer transformer = EstimatorWorkout.Run(_ml, _ml.MetaMorph().GenerateImages(options), data, ["Picture", "Picture1", "Error"]);
        _ml.Model.Save(transformer, data.Schema, folder["model.zip"]);
        using var loaded = (GenerateImagesTransformer)new MLContext().Model.Load(folder["model.zip"], out _);
        foreach (GenerateImagesTransformer each in new[] { transformer, loaded })
        {
            Read(each.Transform(data), (row, picture, _, error) =>
            {
                Assert.AreEqual(rows[row].Before, error);
                Assert.AreEqual(row == 0, picture().Length > 0, $"row {row}");
            });
        }

        options.ErrorColumnName = null;
        using GenerateImagesTransformer strict = _ml.MetaMorph().GenerateImages(options).Fit(data);
        Read(strict.Transform(data), (row, picture, _, _) =>
        {
            if (row == 1) Assert.AreEqual(rows[1].Before, Assert.ThrowsExactly<InvalidDataException>(() => picture()).Message);
            else picture();
        });
    }

    [TestMethod]
    public void ColumnsOfErrorsThatCannotBeAreRefused()
    {
        using Visualizer visualizer = Open();
        Assert.AreEqual(
            "Pictures and errors would both be appended as 'Picture1' (OutputColumnName 'Picture', MaximumImages 2, ErrorColumnName 'Picture1'). Give the errors another name.",
            Assert.ThrowsExactly<ArgumentException>(() => Estimator(visualizer, "Picture1")).Message);
        Assert.AreEqual("ErrorColumnName is empty; name a column, or set it to null for none.", Assert.ThrowsExactly<ArgumentException>(() => Estimator(visualizer, "")).Message);
        GenerateImagesEstimator.Options options = Options(visualizer, "Error");
        options.InputErrorColumnName = "Tokens";
        Assert.AreEqual(
            "The column 'Tokens' (errors of what makes the visual tokens) has the type Vector<Single, *, 16, 12>; Text (one turn) or a vector of Text (several turns) is needed.",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().GenerateImages(options).Fit(View())).Message);
    }

    private GenerateImagesEstimator Estimator(Visualizer visualizer, string? error, string? negative = "Negative")
    {
        GenerateImagesEstimator.Options options = Options(visualizer, error);
        options.NegativeTokensColumnName = negative;
        return _ml.MetaMorph().GenerateImages(options);
    }

    private static GenerateImagesEstimator.Options Options(Visualizer visualizer, string? error) => new()
    {
        InputColumnName = "Tokens",
        StartImageColumnName = "Start",
        NegativeTokensColumnName = "Negative",
        ErrorColumnName = error,
        Visualizer = visualizer,
        Generation = Quick,
        MaximumImages = 2,
        BatchSize = 16,
    };

    /// <summary>Good and bad rows of all kinds, all in one batch.</summary>
    private static TokenRow[] Rows()
    {
        var random = new Random(2);
        float[] broken = Values(random, 1), strong = Values(random, 2);
        broken[14] = float.NaN;
        strong.AsSpan(PictureLength).Fill(float.MaxValue);
        return
        [
            new() { Tokens = Values(random, 1) },
            new() { Tokens = new float[100] },
            new() { Tokens = Values(random, 2), Start = Grey(200) },
            new() { Tokens = broken },
            new() { Tokens = Values(random, 1), Start = MLImage.CreateFromPixels(2, 1, MLPixelFormat.Bgra32, new byte[8]) },
            new() { Tokens = strong },
            new() { Tokens = Values(random, 1), Negative = Values(random, 1) },
            new() { Tokens = Values(random, 2), Negative = Values(random, 1) },
            new() { Tokens = Values(random, 1), Start = Grey(40), Negative = Values(random, 1) },
        ];
    }

    private IDataView View() => _ml.Data.LoadFromEnumerable(Rows());

    private IDataView PathRows(string[] files, float[][] tokens) => _ml.Data.LoadFromEnumerable(files.Zip(tokens, (file, values) => new PathRow { Path = file, Tokens = values }));

    private static void AssertDrawn(int row, byte[] picture, byte[] second)
    {
        TokenRow source = Rows()[row];
        byte[][] drawn = [picture, second];
        int expected = Errors[row].Length == 0 ? source.Tokens.Length / PictureLength : 0;
        using VisualizerModel model = Fresh();
        for (int i = 0; i < 2; i++)
        {
            if (i < expected) AssertClose(Alone(model, source, i), drawn[i], $"row {row}, picture {i}");
            else Assert.HasCount(0, drawn[i], $"row {row}, picture {i}");
        }
    }

    /// <summary>Goes through rows with their first two pictures and their errors.</summary>
    private static void Read(IDataView view, Action<int, Func<byte[]>, Func<byte[]>, string> use)
    {
        using DataViewRowCursor cursor = view.GetRowCursor(view.Schema.Where(column => column.Name is "Picture" or "Picture1" or "Error"));
        ValueGetter<MLImage> first = cursor.GetGetter<MLImage>(view.Schema["Picture"]), second = cursor.GetGetter<MLImage>(view.Schema["Picture1"]);
        ValueGetter<ReadOnlyMemory<char>>? error = view.Schema.GetColumnOrNull("Error") is { } column ? cursor.GetGetter<ReadOnlyMemory<char>>(column) : null;
        int row = 0;
        for (; cursor.MoveNext(); row++)
        {
            ReadOnlyMemory<char> text = default;
            error?.Invoke(ref text);
            use(row, () => Pixels(first), () => Pixels(second), text.ToString());
        }

        Assert.AreNotEqual(0, row);
    }

    private sealed class PathRow
    {
        public string Path { get; set; } = "";

        [VectorType(0, 16, 12)]
        public float[] Tokens { get; set; } = [];
    }
}
