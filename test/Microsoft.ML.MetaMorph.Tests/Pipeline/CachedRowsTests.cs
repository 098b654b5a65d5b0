using SkiaSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A bad picture in front of a cache or a parallel cursor of ML.NET, which ends with its first error and says nothing of the row in it.</summary>
[TestClass]
public sealed class CachedRowsTests : FolderTests
{
    private const string Ended = " The rows come through a cache or a parallel cursor of ML.NET, which ends with its first error, so neither this row can be passed over nor any other read. "
        + "Give the step that failed (EncodeImages, EmbedImages, EmbedTexts, ClassifyZeroShot or GenerateResponse) an ErrorColumnName in front of the cache, or leave the cache (AppendCacheCheckpoint) out.";

    private readonly MLContext _ml = new(seed: 1);

    [TestInitialize]
    public void WritePictures()
    {
        using var bitmap = new SKBitmap(16, 16);
        bitmap.Erase(new SKColor(200, 40, 10));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        Folder.Write("good.png", data.ToArray());
        Folder.Write("words.png", "these are words");
    }

    [TestMethod]
    public void TheRowIsTold()
    {
        using EncodeImagesTransformer encoding = Encoding(errorColumn: null);
        string alone = Assert.Throws<Exception>(() => ColumnValues.Rows(encoding.Transform(Pictures()), ["VisualTokens"])).Message;
        foreach (string part in new[] { "Row 1, column 'Picture', picture 1: ", Folder["words.png"] }) StringAssert.Contains(alone, part);

        using MetaMorphTransformer model = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4), options => options.ErrorColumnName = "Error");
        AssertTold(alone, () => ColumnValues.Rows(model.Transform(_ml.Data.Cache(encoding.Transform(Pictures()))), ["Error"]));
        // another cache between our transformers: the reason is told once
        AssertTold(alone, () => ColumnValues.Rows(model.Transform(_ml.Data.Cache(model.Transform(_ml.Data.Cache(encoding.Transform(Pictures()))))), ["Error"]));
        AssertTold(alone, () => EncodedRow.Train(_ml, _ml.Data.Cache(encoding.Transform(Pictures()))));
        AssertTold(alone, () => EncodedRow.Train(_ml, _ml.Data.Cache(encoding.Transform(Pictures())), options => options.SkipBadRows = true));
    }

    /// <summary>A stock transformer reads on several threads: its cursor ends as a cache does.</summary>
    [TestMethod]
    public void TheRowIsToldBehindAParallelCursor()
    {
        using EncodeImagesTransformer encoding = Encoding(errorColumn: null);
        IDataView parallel = _ml.Transforms.CopyColumns("Copied", "VisualTokens").Fit(encoding.Transform(Pictures())).Transform(encoding.Transform(Pictures()));
        string alone = Assert.Throws<Exception>(() => ColumnValues.Rows(encoding.Transform(Pictures()), ["VisualTokens"])).Message;
        AssertTold(alone, () => EncodedRow.Train(_ml, parallel, options => options.VisualTokensColumnName = "Copied"));
    }

    /// <summary>Vectors behind a cache of vectors: a row that ended it is told, and one with an error column ends nothing.</summary>
    [TestMethod]
    public void TheRowOfAVectorIsTold()
    {
        using LanguageImageEncoder encoder = LanguageImageEncoder.Load(ReferenceCase.Own("siglip-folder").First().Folder);
        using EmbedImagesTransformer images = _ml.MetaMorph().EmbedImages("Vector", "Picture", encoder, Folder.Path).Fit(Pictures());
        string alone = Assert.Throws<Exception>(() => ColumnValues.Rows(images.Transform(Pictures()), ["Vector"])).Message;
        foreach (string part in new[] { "Row 1, column 'Picture', picture 1: ", Folder["words.png"] }) StringAssert.Contains(alone, part);
        IDataView cached = _ml.Data.Cache(images.Transform(Pictures()));
        using EmbedTextsTransformer texts = _ml.MetaMorph().EmbedTexts("Texts", "Prompt", encoder).Fit(cached);
        AssertTold(alone, () => ColumnValues.Rows(texts.Transform(cached), ["Texts", "Vector"]));

        using EmbedImagesTransformer telling = _ml.MetaMorph().EmbedImages(new EmbedImagesEstimator.Options { InputColumnName = "Picture", Encoder = encoder, ImageFolder = Folder.Path, ErrorColumnName = "Error" }).Fit(Pictures());
        List<object?[]> rows = ColumnValues.Rows(texts.Transform(_ml.Data.Cache(telling.Transform(Pictures()))), ["Texts", "Vector", "Error"]);
        CollectionAssert.AreEqual(new[] { "", alone, "", "" }, rows.Select(row => (string)row[2]!).ToArray());
        CollectionAssert.AreEqual(new[] { false, true, false, false }, rows.Select(row => ((float[])row[1]!).All(float.IsNaN)).ToArray());
    }

    [TestMethod]
    public void AnErrorColumnLetsTheRowBePassedOver()
    {
        using EncodeImagesTransformer encoding = Encoding("PictureError");
        string alone;
        using (EncodeImagesTransformer strict = Encoding(errorColumn: null)) alone = Assert.Throws<Exception>(() => ColumnValues.Rows(strict.Transform(Pictures()), ["VisualTokens"])).Message;
        IDataView cached = _ml.Data.Cache(encoding.Transform(Pictures()));
        List<object?[]> rows = ColumnValues.Rows(cached, ["VisualTokens", "PictureError"]);
        CollectionAssert.AreEqual(new[] { 32, 0, 32, 32 }, rows.Select(row => ((float[])row[0]!).Length).ToArray());
        CollectionAssert.AreEqual(new[] { "", alone, "", "" }, rows.Select(row => (string)row[1]!).ToArray());
        CollectionAssert.AreEqual((float[])rows[0][0]!, (float[])rows[2][0]!);

        const string Missing = "there are 1 <image> marks, but the column 'VisualTokens' holds 0 pictures. Give every mark its picture, prompts first; if EncodeImages has an ErrorColumnName, that column says whether a picture could not be read.";
        var log = new List<string>();
        _ml.Log += (_, entry) => log.Add(entry.RawMessage);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, cached, options => (options.SkipBadRows, options.ErrorColumnName) = (true, "Error"));
        CollectionAssert.Contains(log, $"1 rows were passed over: Row 1, columns 'Prompt' and 'Response': {Missing}");
        CollectionAssert.AreEqual(new[] { "", $"Row 1, column 'Prompt': {Missing}", "", "" }, ColumnValues.Rows(model.Transform(cached), ["Error"]).Select(row => (string)row[0]!).ToArray());
    }

    [TestMethod]
    public void TheErrorsAloneAndAfterALoad()
    {
        using EncodeImagesTransformer encoding = Encoding("PictureError");
        _ml.Model.Save(encoding, Pictures().Schema, Folder["encoder.zip"]);
        using var loaded = (EncodeImagesTransformer)_ml.MetaMorph().LoadModel(Folder["encoder.zip"], out _);
        string[] errors = [.. ColumnValues.Rows(loaded.Transform(Pictures()), ["PictureError"]).Select(row => (string)row[0]!)];
        Assert.AreEqual(("", "", ""), (errors[0], errors[2], errors[3]));
        StringAssert.StartsWith(errors[1], "Row 1, column 'Picture', picture 1: ");
    }

    [TestMethod]
    public void PassesTheWorkoutWithAnErrorColumn()
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        using ImageEncoder encoder = trained.Encoder;
        var options = new EncodeImagesEstimator.Options { InputColumnNames = ["Image", "Image2"], Encoder = encoder, BatchSize = 3, ErrorColumnName = "Error" };
        EstimatorWorkout.Run(_ml, _ml.MetaMorph().EncodeImages(options), TinyModels.Rows(_ml, 9), ["VisualTokens", "Error"]);
        options.ErrorColumnName = options.OutputColumnName;
        Assert.AreEqual("Two columns would be appended as 'VisualTokens'.", Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().EncodeImages(options)).Message);
    }

    /// <summary>What a getter throws: a failure that names its row inside others is told, and nothing of it is lost.</summary>
    [TestMethod]
    public void TheInnermostFailureOfARowIsTold()
    {
        var file = new FileNotFoundException("Row 3, column 'A': gone");
        var wrapped = new InvalidOperationException("Splitter/consolidator worker encountered exception while consuming source data", new AggregateException(file));
        Exception told = RowErrors.Named(wrapped, 7, "column 'B'");
        Assert.AreEqual(("Row 3, column 'A': gone", wrapped), (told.Message, told.InnerException));
        Assert.AreSame(file, RowErrors.Named(file, 7, "column 'B'"));
        var other = new InvalidOperationException("odd", new FormatException("no row"));
        told = RowErrors.Named(other, 7, "column 'B'");
        Assert.AreEqual(("Row 7, column 'B': odd", other), (told.Message, told.InnerException));
    }

    private static void AssertTold(string message, Action read)
    {
        InvalidDataException told = Assert.ThrowsExactly<InvalidDataException>(read);
        Assert.AreEqual(message + Ended, told.Message);
        // what ML.NET threw is kept, and in it what we threw
        var chain = new List<Exception>();
        for (Exception? inner = told.InnerException; inner is not null; inner = inner.InnerException) chain.Add(inner);
        Assert.IsInstanceOfType<InvalidOperationException>(chain[0]);
        Assert.IsTrue(chain.Any(inner => inner.Message == message));
    }

    private EncodeImagesTransformer Encoding(string? errorColumn)
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        using ImageEncoder encoder = trained.Encoder;
        return _ml.MetaMorph().EncodeImages(new EncodeImagesEstimator.Options
        {
            InputColumnNames = ["Picture"],
            Encoder = encoder,
            ImageFolder = Folder.Path,
            BatchSize = 2,
            ErrorColumnName = errorColumn,
        }).Fit(Pictures());
    }

    private IDataView Pictures() => _ml.Data.LoadFromEnumerable(new[] { "good.png", "words.png", "good.png", "good.png" }.Select(path => new PathRow { Picture = path }).ToArray());

    private sealed class PathRow
    {
        public string Prompt { get; set; } = "<image>Which colour?";

        public string Response { get; set; } = "red";

        public string Picture { get; set; } = "";
    }
}
