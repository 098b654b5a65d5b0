using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Whose picture is whose: in two columns of tokens every mark is held against its own; in one, an empty column of pictures is told.</summary>
[TestClass]
public sealed class PromptAndResponsePicturesTests
{
    private const string Unread = "; if EncodeImages has an ErrorColumnName, that column says whether a picture could not be read";

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void InACommonColumnAPictureThatMovedUpIsNoPictureOfThePrompt()
    {
        using ImageEncoder encoder = Encoder();
        IDataView good = TinyModels.Rows(_ml, 8);
        using EncodeImagesTransformer encoding = _ml.MetaMorph().EncodeImages("VisualTokens", ["Image", "Image2"], encoder, batchSize: 3).Fit(good);
        CollectionAssert.AreEqual(
            new[] { "1 0", "0 1", "1 1", "0 0", "1 0", "0 1", "1 1", "0 0" },
            ColumnValues.Rows(encoding.Transform(good), ["VisualTokensPictureCounts"]).Select(row => string.Join(' ', (int[])row[0]!)).ToArray());
        // Row 1 of the good ones has no mark in its prompt: there the second column's picture is the response's, as it should be.
        using MetaMorphTransformer model = EncodedRow.Train(_ml, _ml.Data.Cache(encoding.Transform(good)), options => options.ErrorColumnName = "Error");

        const string Problem = "the prompt column 'Prompt' has 1 <image> marks, but its column of pictures 'Image' is empty, so a picture of 'Image2' would take that place in 'VisualTokens'. "
            + "Give the row its picture or leave the mark out; pictures of responses can have a column of visual tokens of their own (ResponseVisualTokensColumnName).";
        IDataView bad = _ml.Data.LoadFromEnumerable([TinyModels.Row(0), new TinyModels.PictureRow { Prompt = "<image>Which colour?", Response = "red", Image2 = TinyModels.Picture(0) }]);
        CollectionAssert.AreEqual(new[] { "", "Row 1, column 'Prompt': " + Problem }, Errors(model, encoding.Transform(bad)));
        foreach (IDataView rows in new[] { encoding.Transform(bad), _ml.Data.Cache(encoding.Transform(bad)) })
            Assert.AreEqual("Row 1, columns 'Prompt' and 'Response': " + Problem, Assert.ThrowsExactly<InvalidDataException>(() => EncodedRow.Train(_ml, rows)).Message);
    }

    /// <summary>Nothing in one column tells whose the second picture is: a prompt may take its pictures from both columns. In two columns it is told.</summary>
    [TestMethod]
    public void APromptThatIsOnePictureShortIsToldInColumnsOfItsOwn()
    {
        using ImageEncoder encoder = Encoder();
        IDataView rows = _ml.Data.LoadFromEnumerable([new TinyModels.PictureRow { Prompt = "<image><image>Which is larger?", Response = "red", Image = TinyModels.Picture(0), Image2 = TinyModels.Picture(1) }]);
        using EncodeImagesTransformer common = _ml.MetaMorph().EncodeImages("VisualTokens", ["Image", "Image2"], encoder).Fit(rows);
        using MetaMorphTransformer first = EncodedRow.Train(_ml, common.Transform(rows), options => options.ErrorColumnName = "Error");
        CollectionAssert.AreEqual(new[] { "" }, Errors(first, common.Transform(rows)));

        using var apart = _ml.MetaMorph().EncodeImages("PromptTokens", "Image", encoder).Append(_ml.MetaMorph().EncodeImages("ResponseTokens", "Image2", encoder)).Fit(rows);
        Assert.AreEqual(
            "Row 0, columns 'Prompt' and 'Response': the prompt column 'Prompt' has 2 <image> marks, but the column 'PromptTokens' holds 1 pictures. Give every mark of a prompt its picture there.",
            Assert.ThrowsExactly<InvalidDataException>(() => EncodedRow.Train(_ml, apart.Transform(rows), OwnColumns)).Message);
    }

    [TestMethod]
    public void ColumnsOfTheirOwnAreHeldAgainstTheirOwnMarks()
    {
        Row[] rows =
        [
            new() { Prompt = "<image>Which colour?", Response = "red", PromptTokens = Picture(0.1f) },
            new() { Prompt = "<image>Which colour?", Response = "red", ResponseTokens = Picture(0.1f) },
            new() { Prompt = "Draw it.", Response = "<image>", PromptTokens = Picture(0.1f) },
            new() { Prompt = "Draw it.", Response = "<image>", ResponseTokens = Picture(0.1f) },
            new() { Prompt = "Which colour?", Response = "red", PromptTokens = Picture(0.1f) },
            new() { Prompt = "<image>Make it green.", Response = "<image>", PromptTokens = Picture(0.1f), ResponseTokens = [.. Picture(0.2f), .. Picture(0.3f)] },
        ];
        string prompt = "the prompt column 'Prompt' has", response = "the response column 'Response' has", advice = " Give every mark of a prompt its picture there", other = " Give every mark of a response its picture there";
        string?[] problems =
        [
            null,
            $"{prompt} 1 <image> marks, but the column 'PromptTokens' holds 0 pictures.{advice}{Unread}.",
            $"{prompt} 0 <image> marks, but the column 'PromptTokens' holds 1 pictures.{advice}.",
            null,
            $"{prompt} 0 <image> marks, but the column 'PromptTokens' holds 1 pictures.{advice}.",
            $"{response} 1 <image> marks, but the column 'ResponseTokens' holds 2 pictures.{other}.",
        ];
        for (int i = 0; i < rows.Length; i++)
        {
            IDataView one = _ml.Data.LoadFromEnumerable([rows[i]]);
            if (problems[i] is { } problem) Assert.AreEqual($"Row 0, columns 'Prompt' and 'Response': {problem}", Assert.ThrowsExactly<InvalidDataException>(() => EncodedRow.Train(_ml, one, OwnColumns)).Message);
        }

        // Answering looks at the prompts' column alone; the answer is still to be made.
        using MetaMorphTransformer model = EncodedRow.Train(_ml, _ml.Data.LoadFromEnumerable([rows[0], rows[3]]), OwnColumns);
        CollectionAssert.AreEqual(
            problems.Select((problem, i) => problem is null || i == 5 ? "" : $"Row {i}, column 'Prompt': {problem}").ToArray(),
            Errors(model, _ml.Data.LoadFromEnumerable(rows)));
        IDataView withoutResponses = _ml.Data.LoadFromEnumerable([new PromptRow()]);
        CollectionAssert.AreEqual(new[] { "" }, Errors(model, withoutResponses));
    }

    /// <summary>The same pictures, in one column or in two: the same weights are learned and the same answers given.</summary>
    [TestMethod]
    public void TwoColumnsTeachWhatOneDoes()
    {
        using ImageEncoder encoder = Encoder();
        IDataView rows = TinyModels.Rows(_ml, 8);
        var apart = _ml.MetaMorph().EncodeImages("PromptTokens", "Image", encoder)
            .Append(_ml.MetaMorph().EncodeImages("ResponseTokens", "Image2", encoder))
            .Append(_ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Options(OwnColumns)));
        var together = _ml.MetaMorph().EncodeImages("VisualTokens", ["Image", "Image2"], encoder)
            .Append(_ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Options(options => options.ErrorColumnName = "Error")));
        using var first = apart.Fit(rows);
        using var second = together.Fit(rows);
        using var folder = new ScratchFolder();
        _ml.Model.Save(first, rows.Schema, folder["model.zip"]);
        ITransformer loaded = new MLContext(seed: 1).Model.Load(folder["model.zip"], out _);
        string[] outputs = ["PredictedResponse", "ResponseVisualTokens", "Error"];
        List<object?[]> expected = ColumnValues.Rows(second.Transform(rows), outputs);
        ColumnValues.AssertEqual(expected, ColumnValues.Rows(first.Transform(rows), outputs), 1e-4, "two columns");
        ColumnValues.AssertEqual(expected, ColumnValues.Rows(loaded.Transform(rows), outputs), 1e-4, "two columns, loaded");
        (loaded as IDisposable)?.Dispose();
    }

    [TestMethod]
    public void EarlierAnswersTakeTheirPicturesFromTheirOwnColumn()
    {
        TurnsRow[] rows =
        [
            new() { Prompt = ["<image>What?", "And this?<image>"], Response = ["red <image>", "blue"], PromptTokens = [.. Picture(0.1f), .. Picture(0.2f)], ResponseTokens = Picture(0.3f) },
            new() { Prompt = ["<image>What?", "And this?<image>"], Response = ["red <image>", "blue"], PromptTokens = [.. Picture(0.1f), .. Picture(0.2f), .. Picture(0.3f)] },
            new() { Prompt = ["<image>What?", "And this?<image>"], Response = ["red <image>", "blue"], PromptTokens = [.. Picture(0.1f), .. Picture(0.2f)] },
        ];
        using MetaMorphTransformer model = EncodedRow.Train(_ml, _ml.Data.LoadFromEnumerable(rows[..1]), OwnColumns);
        CollectionAssert.AreEqual(
            new[]
            {
                "",
                "Row 1, column 'Prompt': the prompt column 'Prompt' has 2 <image> marks, but the column 'PromptTokens' holds 3 pictures. Give every mark of a prompt its picture there.",
                $"Row 2, column 'Prompt': the response column 'Response' has 1 <image> marks, but the column 'ResponseTokens' holds 0 pictures. Give every mark of a response its picture there{Unread}.",
            },
            Errors(model, _ml.Data.LoadFromEnumerable(rows)));
    }

    [TestMethod]
    public void OptionsAndSchemasThatCannotBe()
    {
        string Refused(Action<VisualPredictiveInstructionTuningTrainer.Options> change) => Assert.ThrowsExactly<ArgumentException>(() => EncodedRow.Train(_ml, _ml.Data.LoadFromEnumerable([new Row()]), change)).Message;
        Assert.AreEqual(
            "VisualTokensColumnName and ResponseVisualTokensColumnName are both 'PromptTokens'; where prompts and responses have their pictures in one column, set the latter to null.",
            Refused(options => options.VisualTokensColumnName = options.ResponseVisualTokensColumnName = "PromptTokens"));
        Assert.AreEqual(
            "ResponseVisualTokensColumnName is empty; name a column, or set it to null where prompts and responses have their pictures in one column.",
            Refused(options => (options.VisualTokensColumnName, options.ResponseVisualTokensColumnName) = ("PromptTokens", "")));
        Assert.AreEqual(
            "There is no column 'Gone' (visual tokens of responses). The columns are: Prompt, Response, PromptTokens, ResponseTokens, Other.",
            Refused(options => (options.VisualTokensColumnName, options.ResponseVisualTokensColumnName) = ("PromptTokens", "Gone")));
        Assert.AreEqual(
            "The column 'PromptTokens' holds 4 tokens a picture, each 8 wide, but 'Other' 2, each 8 wide. Encode the pictures of prompts and responses with one encoder.",
            Refused(options => (options.VisualTokensColumnName, options.ResponseVisualTokensColumnName) = ("PromptTokens", "Other")));
    }

    private static void OwnColumns(VisualPredictiveInstructionTuningTrainer.Options options)
    {
        options.VisualTokensColumnName = "PromptTokens";
        options.ResponseVisualTokensColumnName = "ResponseTokens";
        options.ErrorColumnName = "Error";
    }

    private static VisualPredictiveInstructionTuningTrainer.Options Options(Action<VisualPredictiveInstructionTuningTrainer.Options> change)
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        change(options);
        return options;
    }

    private static string[] Errors(MetaMorphTransformer model, IDataView rows) => [.. ColumnValues.Rows(model.Transform(rows), ["Error"]).Select(row => (string)row[0]!)];

    private static float[] Picture(float value) => [.. Enumerable.Repeat(value, EncodedRow.PictureLength)];

    private ImageEncoder Encoder()
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        return trained.Encoder;
    }

    private class PromptRow
    {
        public string Prompt { get; set; } = "<image>Which colour?";

        [VectorType(0, 4, 8)]
        public float[] PromptTokens { get; set; } = Picture(0.1f);
    }

    private sealed class Row
    {
        public string Prompt { get; set; } = "";

        public string Response { get; set; } = "";

        [VectorType(0, 4, 8)]
        public float[] PromptTokens { get; set; } = [];

        [VectorType(0, 4, 8)]
        public float[] ResponseTokens { get; set; } = [];

        [VectorType(0, 2, 8)]
        public float[] Other { get; set; } = [];
    }

    private sealed class TurnsRow
    {
        public string[] Prompt { get; set; } = [];

        public string[] Response { get; set; } = [];

        [VectorType(0, 4, 8)]
        public float[] PromptTokens { get; set; } = [];

        [VectorType(0, 4, 8)]
        public float[] ResponseTokens { get; set; } = [];
    }
}
