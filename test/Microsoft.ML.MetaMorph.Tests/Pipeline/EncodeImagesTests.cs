using Microsoft.ML.Data;
using SkiaSharp;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class EncodeImagesTests : FolderTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void PassesTheWorkout()
    {
        using ImageEncoder encoder = Encoder();
        EstimatorWorkout.Run(_ml, _ml.MetaMorph().EncodeImages("VisualTokens", ["Image", "Image2"], encoder, batchSize: 3), TinyModels.Rows(_ml, 9), ["VisualTokens"]);
    }

    [TestMethod]
    public void TheTypeTellsTokensAndWidth()
    {
        using ImageEncoder encoder = Encoder();
        using EncodeImagesTransformer transformer = _ml.MetaMorph().EncodeImages("VisualTokens", "Image", encoder).Fit(TinyModels.Rows(_ml, 1));
        var type = (VectorDataViewType)transformer.GetOutputSchema(TinyModels.Rows(_ml, 1).Schema)["VisualTokens"].Type;
        CollectionAssert.AreEqual(new[] { 0, 4, 8 }, type.Dimensions.ToArray());
        Assert.AreEqual(4, encoder.VisualTokenCount);
        Assert.AreEqual(8, encoder.VisualTokenWidth);
        Assert.AreEqual(16, encoder.ImageSize);
    }

    [TestMethod]
    public void RowsHaveAsManyPicturesAsAreThere()
    {
        using ImageEncoder encoder = Encoder();
        using EncodeImagesTransformer transformer = _ml.MetaMorph().EncodeImages("T", ["Image", "Image2"], encoder, batchSize: 3).Fit(TinyModels.Rows(_ml, 1));
        float[][] tokens = [.. ColumnValues.Rows(transformer.Transform(TinyModels.Rows(_ml, 8)), ["T"]).Select(row => (float[])row[0]!)];
        CollectionAssert.AreEqual(new[] { 32, 32, 64, 0, 32, 32, 64, 0 }, tokens.Select(t => t.Length).ToArray());
        foreach (float[] token in tokens.SelectMany(t => t.Chunk(8))) Assert.AreEqual(1, Math.Sqrt(token.Sum(v => v * v)), 1e-5);
        // the second picture of row 2 is the picture of row 1
        for (int i = 0; i < 32; i++) Assert.AreEqual(tokens[1][i], tokens[2][32 + i], 1e-5);
    }

    /// <summary>As a stock transform without an input does: the tokens take the place of the pictures, in cursors, engines and the zip.</summary>
    [TestMethod]
    public void TokensMayTakeThePlaceOfTheirPictures()
    {
        using ImageEncoder encoder = Encoder();
        IDataView data = TinyModels.Rows(_ml, 5);
        using EncodeImagesTransformer apart = _ml.MetaMorph().EncodeImages("T", "Image", encoder).Fit(data);
        List<object?[]> expected = ColumnValues.Rows(apart.Transform(data), ["T"]);
        EncodeImagesEstimator[] inPlace =
        [
            _ml.MetaMorph().EncodeImages("Image", inputColumnName: null, encoder, batchSize: 2),
            _ml.MetaMorph().EncodeImages("Image", "Image", encoder),
            _ml.MetaMorph().EncodeImages(new EncodeImagesEstimator.Options { OutputColumnName = "Image", Encoder = encoder }),
        ];
        foreach (EncodeImagesEstimator estimator in inPlace)
        {
            using EncodeImagesTransformer transformer = estimator.Fit(data);
            IDataView view = transformer.Transform(data);
            CollectionAssert.AreEqual(new[] { 0, 4, 8 }, ((VectorDataViewType)view.Schema["Image"].Type).Dimensions.ToArray());
            Assert.AreEqual(data.Schema["Image"].Index, view.Schema.Single(column => column.Name == "Image" && column.IsHidden).Index);
            Assert.AreEqual(typeof(VectorDataViewType), SchemaShapesType(estimator, data));
            ColumnValues.AssertEqual(expected, ColumnValues.Rows(view, ["Image"]), 1e-5, "cursor");
            _ml.Model.Save(transformer, data.Schema, Folder["model.zip"]);
            using var loaded = (EncodeImagesTransformer)_ml.MetaMorph().LoadModel(Folder["model.zip"], out _);
            ColumnValues.AssertEqual(expected, ColumnValues.Rows(loaded.Transform(data), ["Image"]), 1e-5, "zip");
            using PredictionEngine<TinyModels.PictureRow, Replaced> engine = _ml.Model.CreatePredictionEngine<TinyModels.PictureRow, Replaced>(loaded, data.Schema);
            ColumnValues.AssertEqual([expected[2]], [[engine.Predict(TinyModels.Row(2)).Image]], 1e-5, "engine");
        }
    }

    [TestMethod]
    public void PicturesPathsAndBytesAgree()
    {
        byte[] png = Png(24, 20);
        File.WriteAllBytes(Folder["a.png"], png);
        using MLImage image = MLImage.CreateFromStream(new MemoryStream(png));
        IDataView data = _ml.Data.LoadFromEnumerable([new EveryKind { Image = image, One = "a.png", Many = ["a.png", "a.png", ""], Bytes = png }, new EveryKind { Many = [] }]);
        using ImageEncoder encoder = Encoder();
        float[][] rows = [.. new[] { "Image", "One", "Many", "Bytes" }.Select(column =>
        {
            using EncodeImagesTransformer transformer = _ml.MetaMorph().EncodeImages("T", column, encoder, Folder.Path).Fit(data);
            List<object?[]> values = ColumnValues.Rows(transformer.Transform(data), ["T"]);
            Assert.IsEmpty((float[])values[1][0]!, $"{column}: a row without a picture");
            return (float[])values[0][0]!;
        })];
        Assert.HasCount(32, rows[0]);
        ColumnValues.AssertEqual([[rows[0]]], [[rows[1]]], 1e-5, "path");
        ColumnValues.AssertEqual([[rows[0]]], [[rows[2][..32]]], 1e-5, "first of several paths");
        ColumnValues.AssertEqual([[rows[0]]], [[rows[2][32..]]], 1e-5, "second of several paths");
        ColumnValues.AssertEqual([[rows[0]]], [[rows[3]]], 1e-5, "bytes");
    }

    [TestMethod]
    public void ErrorsNameRowColumnAndFile()
    {
        File.WriteAllText(Folder["words.png"], "these are words");
        File.WriteAllBytes(Folder["a.png"], Png(4, 4));
        using ImageEncoder encoder = Encoder();
        string Failure(params EveryKind[] rows)
        {
            IDataView data = _ml.Data.LoadFromEnumerable(rows);
            using EncodeImagesTransformer transformer = _ml.MetaMorph().EncodeImages("T", "Many", encoder, Folder.Path).Fit(data);
            return Assert.Throws<Exception>(() => ColumnValues.Rows(transformer.Transform(data), ["T"])).Message;
        }

        string missing = Failure(new EveryKind { Many = ["a.png"] }, new EveryKind { Many = ["a.png", "none.png"] });
        foreach (string part in new[] { "Row 1", "'Many'", "picture 2", "none.png" }) StringAssert.Contains(missing, part);
        string words = Failure(new EveryKind { Many = ["words.png"] });
        foreach (string part in new[] { "Row 0", "'Many'", "words.png" }) StringAssert.Contains(words, part);
        string hole = Failure(new EveryKind { Many = ["", "a.png"] });
        foreach (string part in new[] { "Row 0", "'Many'", "path 1 of 2", "path 2" }) StringAssert.Contains(hole, part);
    }

    [TestMethod]
    public void WrongColumnsAndOptionsAreRefused()
    {
        using ImageEncoder encoder = Encoder();
        IDataView data = _ml.Data.LoadFromEnumerable([new Numbers()]);
        StringAssert.Contains(Assert.Throws<ArgumentException>(() => _ml.MetaMorph().EncodeImages("T", "X", encoder).Fit(data)).Message, "'X'");
        Assert.AreEqual("There is no column 'Y' (pictures). The columns are: X.", Assert.Throws<ArgumentException>(() => _ml.MetaMorph().EncodeImages("T", "Y", encoder).Fit(data)).Message);
        Assert.AreEqual("batchSize is 0; it must be at least 1 and at most 65536. (Parameter 'batchSize')", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MetaMorph().EncodeImages("T", "X", encoder, batchSize: 0)).Message);
        Assert.AreEqual("batchSize is 65537; it must be at least 1 and at most 65536. (Parameter 'batchSize')", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MetaMorph().GenerateResponse("folder", batchSize: 65_537)).Message);
        var options = new EncodeImagesEstimator.Options { Encoder = encoder, BatchSize = int.MaxValue };
        Assert.AreEqual("BatchSize is 2147483647; it must be at least 1 and at most 65536. (Parameter 'BatchSize')", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MetaMorph().EncodeImages(options)).Message);
    }

    [TestMethod]
    public void OneCopyOfTheWeightsLivesAsLongAsSomebodyHoldsIt()
    {
        ImageEncoder encoder = Encoder();
        Lease<ImageEncoderModel> hold = encoder.Share();
        IDataView data = TinyModels.Rows(_ml, 4);
        EncodeImagesTransformer first = _ml.MetaMorph().EncodeImages("T", "Image", encoder).Fit(data);
        EncodeImagesTransformer second = _ml.MetaMorph().EncodeImages("T", "Image", encoder).Fit(data);
        encoder.Dispose();
        List<object?[]> rows = ColumnValues.Rows(first.Transform(data), ["T"]);
        first.Dispose();
        ColumnValues.AssertEqual(rows, ColumnValues.Rows(second.Transform(data), ["T"]), 0, "second");
        second.Dispose();
        Assert.IsNotEmpty(hold.Value.Parameters().ToArray());
        hold.Dispose();
    }

    [TestMethod]
    public void AFolderGivesTheSameTokens()
    {
        IDataView data = TinyModels.Rows(_ml, 4);
        using ImageEncoder encoder = Encoder();
        encoder.Save(Folder.Path);
        using ImageEncoder loaded = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { Precision = Precision.Float32 });      // as it was trained
        using EncodeImagesTransformer a = _ml.MetaMorph().EncodeImages("T", "Image", encoder).Fit(data);
        using EncodeImagesTransformer b = _ml.MetaMorph().EncodeImages("T", "Image", loaded).Fit(data);
        ColumnValues.AssertEqual(ColumnValues.Rows(a.Transform(data), ["T"]), ColumnValues.Rows(b.Transform(data), ["T"]), 1e-6, "folder");
        using ImageEncoder coarse = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { VisualTokenCount = 1 });
        Assert.AreEqual(1, coarse.VisualTokenCount);
    }

    [TestMethod]
    public void TheTrainerPassesTheWorkout()
        => EstimatorWorkout.Run(_ml, _ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            Training = TinyModels.Encoder,
            TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 },
        }), TinyModels.Captions(_ml, 8), ["VisualTokens"]);

    [TestMethod]
    public void TrainersHearTheSeed()
    {
        float[] Train(int seed)
        {
            var ml = new MLContext(seed);
            using EncodeImagesTransformer encoder = TinyModels.TrainEncoder(ml);
            return (float[])ColumnValues.Rows(encoder.Transform(TinyModels.Captions(ml, 1)), ["VisualTokens"])[0][0]!;
        }

        CollectionAssert.AreEqual(Train(3), Train(3));
        CollectionAssert.AreNotEqual(Train(3), Train(4));
    }

    private ImageEncoder Encoder()
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        return trained.Encoder;
    }

    private static byte[] Png(int width, int height)
    {
        using var bitmap = new SKBitmap(width, height);
        bitmap.Erase(new SKColor(200, 40, 10));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private sealed class EveryKind
    {
        [Microsoft.ML.Transforms.Image.ImageType(20, 24)]
        public MLImage? Image { get; set; }

        public string? One { get; set; }

        public string[] Many { get; set; } = [];

        public byte[]? Bytes { get; set; }
    }

    private static Type SchemaShapesType(EncodeImagesEstimator estimator, IDataView data)
    {
        SchemaShape.Column column = estimator.GetOutputSchema(SchemaShapes.FromSchema(data.Schema)).Single(column => column.Name == "Image");
        return column.Kind == SchemaShape.Column.VectorKind.Scalar ? column.ItemType.GetType() : typeof(VectorDataViewType);
    }

    private sealed class Replaced
    {
        public float[] Image { get; set; } = [];
    }

    private sealed class Numbers
    {
        public float X { get; set; }
    }
}
