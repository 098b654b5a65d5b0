using Microsoft.ML.Data;
using SkiaSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A row that cannot be used names itself, its columns and what to do; the rows beside it in a batch have their answers.</summary>
[TestClass]
public sealed class RowErrorTests
{
    private const string Bare = "{% for message in messages %}{{ message['content'] }}{% endfor %}";

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void MarksWithoutPictures()
        => AssertOnlyThatRow(new EncodedRow { Prompt = "<image>?" }, "Row 1, column 'Prompt': there are 1 <image> marks, but the column 'VisualTokens' holds 0 pictures. Give every mark its picture, prompts first; if EncodeImages has an ErrorColumnName, that column says whether a picture could not be read.");

    [TestMethod]
    public void TokensThatAreNoWholePictures()
        => AssertOnlyThatRow(new EncodedRow { Prompt = "a", VisualTokens = new float[5] }, "Row 1, column 'VisualTokens': 5 values are not a whole number of pictures; a picture has 4 tokens × 8 = 32 values. Encode the pictures with EncodeImages.");

    [TestMethod]
    public void APromptThatTheTemplateRefuses()
        => AssertOnlyThatRow(
            new EncodedRow { Prompt = "rude" },
            "Row 1, column 'Prompt': ",
            "be polite",
            options => options.ChatTemplate = "{% for message in messages %}{% if message['content'] == 'rude' %}{{ raise_exception('be polite') }}{% endif %}{% endfor %}" + BytePairTrainingOptions.DefaultChatTemplate);

    [TestMethod]
    public void APromptThatIsTooLong()
    {
        var row = new EncodedRow { Prompt = string.Join(' ', Enumerable.Repeat("long", 80)) };
        int positions = Positions(row, pictures: 0);
        AssertOnlyThatRow(row, $"Row 1, column 'Prompt': the prompt takes {positions} positions, but the model reads at most 79 and answers at one more (max_position_embeddings 80). Shorten the prompt, or take a model for longer texts.", change: Short);
        row = new EncodedRow { Prompt = "<image><image>" + row.Prompt, VisualTokens = new float[2 * EncodedRow.PictureLength] };
        positions = Positions(row, pictures: 2);
        AssertOnlyThatRow(row, $"Row 1, column 'Prompt': the prompt takes {positions} positions, 2 pictures of 4 among them, but the model reads at most 79 and answers at one more (max_position_embeddings 80). Shorten the prompt, or take a model for longer texts.", change: Short);
    }

    /// <summary>The request is refused by the generation itself, which knows it by its number in the batch only.</summary>
    [TestMethod]
    public void APromptThatComesToNothing()
        => AssertOnlyThatRow(new EncodedRow { Prompt = "" }, "Row 1, column 'Prompt': the prompt has no tokens; a prompt needs at least one.", change: options =>
        {
            options.ChatTemplate = Bare;
            options.TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280, BeginningOfSequence = null };
        });

    [TestMethod]
    public void EveryRowOfABatchMayBeBad()
    {
        using MetaMorphTransformer model = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4), options =>
        {
            options.ErrorColumnName = "Error";
            options.ChatTemplate = Bare;
            options.TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280, BeginningOfSequence = null };
        });
        IDataView data = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 4).Select(_ => new EncodedRow()).ToArray());
        string[] errors = [.. ColumnValues.Rows(model.Transform(data), ["Error"]).Select(row => (string)row[0]!)];
        CollectionAssert.AreEqual(Enumerable.Range(0, 4).Select(i => $"Row {i}, column 'Prompt': the prompt has no tokens; a prompt needs at least one.").ToArray(), errors);
    }

    [TestMethod]
    public void TooFewEarlierAnswers()
    {
        IDataView turns = _ml.Data.LoadFromEnumerable([new TurnsRow { Prompt = ["a"] }, new TurnsRow { Prompt = ["a", "b", "c"], Response = ["x"] }, new TurnsRow { Prompt = [] }]);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4), options => options.ErrorColumnName = "Error");
        string[] errors = [.. ColumnValues.Rows(model.Transform(turns), ["Error"]).Select(row => (string)row[0]!)];
        CollectionAssert.AreEqual(
            new[]
            {
                "",
                "Row 1, column 'Prompt': there are 3 turns, so 2 earlier answers are needed, but the column 'Response' has 1.",
                "Row 2, column 'Prompt': there is no turn to answer.",
            },
            errors);
    }

    /// <summary>The pictures are encoded in the same pipeline: a bad one is the error of its own row, in whatever column it is asked for.</summary>
    [TestMethod]
    public void APictureThatIsMissingOrNone()
    {
        using var folder = new ScratchFolder();
        folder.Write("good.png", Png());
        folder.Write("words.png", "these are words");
        IDataView data = _ml.Data.LoadFromEnumerable(new[] { "good.png", "none.png", "good.png", "words.png", "good.png" }.Select(path => new PathRow { Picture = path }).ToArray());
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        using ImageEncoder encoder = trained.Encoder;
        using EncodeImagesTransformer encoding = _ml.MetaMorph().EncodeImages("VisualTokens", "Picture", encoder, folder.Path, batchSize: 4).Fit(data);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4), options => options.ErrorColumnName = "Error");
        List<object?[]> rows = ColumnValues.Rows(model.Transform(encoding.Transform(data)), ["Error", "PredictedResponse"]);
        foreach (int good in new[] { 0, 2, 4 }) Assert.AreEqual("", rows[good][0], $"row {good}");
        Assert.AreEqual(rows[0][1], rows[4][1]);
        foreach (string part in new[] { "Row 1, column 'Picture', picture 1: ", folder["none.png"] }) StringAssert.Contains((string)rows[1][0]!, part);
        foreach (string part in new[] { "Row 3, column 'Picture', picture 1: ", folder["words.png"] }) StringAssert.Contains((string)rows[3][0]!, part);
        Assert.AreEqual(("", ""), (rows[1][1], rows[3][1]));

        // Tokens that are asked for beside the answers: those of good rows are there, a bad row's throw.
        IDataView both = model.Transform(encoding.Transform(data));
        Walk(both, "VisualTokens", "Error", (row, tokens, error) =>
        {
            Assert.AreEqual(rows[row][0], error());
            if (row is 1 or 3) StringAssert.StartsWith(Assert.Throws<Exception>(() => tokens()).Message, $"Row {row}, column 'Picture', picture 1: ");
            else Assert.HasCount(EncodedRow.PictureLength, (float[])tokens()!);
        });

        using MetaMorphTransformer strict = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4));
        Walk(strict.Transform(encoding.Transform(data)), "PredictedResponse", "PredictedResponse", (row, response, _) =>
        {
            if (row is 1 or 3) StringAssert.StartsWith(Assert.Throws<Exception>(() => response()).Message, $"Row {row}, column 'Picture', picture 1: ");
            else Assert.IsNotNull(response());
        });
    }

    /// <summary>What a stock transformer throws names no row; the answer does.</summary>
    [TestMethod]
    public void AFailureOfAnotherComponent()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new NumberedRow()]);
        ITransformer failing = _ml.Transforms.CustomMapping<NumberedRow, Spoilt>((row, spoilt) => spoilt.Prompt = row.Number == 1 ? throw new FormatException("no prompt for 1") : "Say yes.", null).Fit(data);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4), options => options.ErrorColumnName = "Error");
        using PredictionEngine<NumberedRow, ErrorAnswer> engine = _ml.Model.CreatePredictionEngine<NumberedRow, ErrorAnswer>(new TransformerChain<ITransformer>(failing, model), new PredictionEngineOptions { OwnsTransformer = false });
        string[] errors = [.. Enumerable.Range(0, 3).Select(i => engine.Predict(new NumberedRow { Number = i }).Error!)];
        CollectionAssert.AreEqual(new[] { "", "Row 1, column 'Prompt': no prompt for 1", "" }, errors);
    }

    [TestMethod]
    public void ABadPictureInTrainingIsNamedOrPassedOver()
    {
        using var folder = new ScratchFolder();
        folder.Write("good.png", Png());
        IDataView data = _ml.Data.LoadFromEnumerable(new[] { "good.png", "none.png", "good.png" }.Select(path => new PathRow { Picture = path }).ToArray());
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        using ImageEncoder encoder = trained.Encoder;
        using EncodeImagesTransformer encoding = _ml.MetaMorph().EncodeImages("VisualTokens", "Picture", encoder, folder.Path).Fit(data);
        IDataView encoded = encoding.Transform(data);
        string message = Assert.Throws<FileNotFoundException>(() => EncodedRow.Train(_ml, encoded)).Message;
        foreach (string part in new[] { "Row 1, column 'Picture', picture 1: ", folder["none.png"] }) StringAssert.Contains(message, part);
        var log = new List<string>();
        _ml.Log += (_, entry) => log.Add(entry.Message);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, encoded, options => options.SkipBadRows = true);
        Assert.IsTrue(log.Any(line => line.Contains("1 rows were passed over: Row 1, column 'Picture', picture 1: ") && line.Contains("none.png")));
    }

    private static byte[] Png()
    {
        using var bitmap = new SKBitmap(16, 16);
        bitmap.Erase(new SKColor(200, 40, 10));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private static void Short(VisualPredictiveInstructionTuningTrainer.Options options) => options.Architecture = TinyModels.Architecture with { MaximumPositions = 80 };

    /// <summary>How many positions a prompt takes, counted by a model for longer ones.</summary>
    private int Positions(EncodedRow row, int pictures)
    {
        using MetaMorphTransformer model = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4));
        return model.Model.Text.Encoder.EncodePrompt(Conversation.FromTurns([row.Prompt], [], pictures, "probe")).Ids.Sum(id => id == TokenSequence.ImagePlaceholder ? 4 : 1);
    }

    /// <summary>
    /// Good rows around a bad one, in one batch: with an error column its message stands there and the others are answered; without, they
    /// are answered all the same and the bad one throws that message when it is asked for.
    /// </summary>
    private void AssertOnlyThatRow(EncodedRow bad, string beginning, string? end = null, Action<VisualPredictiveInstructionTuningTrainer.Options>? change = null)
    {
        string[] outputs = ["PredictedResponse", "ResponseVisualTokens"];
        IDataView data = _ml.Data.LoadFromEnumerable([new EncodedRow { Prompt = "Say yes." }, bad, new EncodedRow { Prompt = "Say yes." }]);
        using MetaMorphTransformer lenient = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4), options =>
        {
            change?.Invoke(options);
            options.ErrorColumnName = "Error";
        });
        List<object?[]> rows = ColumnValues.Rows(lenient.Transform(data), ["Error", .. outputs]);
        Assert.AreEqual(("", ""), (rows[0][0], rows[2][0]));
        AssertMessage((string)rows[1][0]!);
        Assert.AreEqual("", rows[1][1]);
        Assert.IsEmpty((float[])rows[1][2]!);
        Assert.AreEqual(rows[0][1], rows[2][1]);
        Assert.AreNotEqual("", rows[0][1]);

        using MetaMorphTransformer strict = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4), change);
        Walk(strict.Transform(data), outputs[0], outputs[1], (row, text, tokens) =>
        {
            if (row != 1)
            {
                Assert.AreEqual(rows[row][1], text());
                return;
            }

            AssertMessage(Assert.ThrowsExactly<InvalidDataException>(() => text()).Message);
            AssertMessage(Assert.ThrowsExactly<InvalidDataException>(() => tokens()).Message);
        });

        void AssertMessage(string message)
        {
            if (end is null) Assert.AreEqual(beginning, message);
            else StringAssert.StartsWith(message, beginning);
            if (end is not null) StringAssert.Contains(message, end);
        }
    }

    private static void Walk(IDataView view, string first, string second, Action<int, Func<object?>, Func<object?>> visit)
    {
        DataViewSchema.Column[] needed = [.. new[] { first, second }.Distinct().Select(name => view.Schema[name])];
        using DataViewRowCursor cursor = view.GetRowCursor(needed);
        Func<object?> readFirst = ColumnValues.Reader(cursor, needed[0]), readSecond = ColumnValues.Reader(cursor, needed[^1]);
        int row = 0;
        while (cursor.MoveNext()) visit(row++, readFirst, readSecond);
        Assert.IsGreaterThan(2, row);
    }

    private sealed class TurnsRow
    {
        public string[] Prompt { get; set; } = [];

        public string[] Response { get; set; } = [];

        [VectorType(0, 4, 8)]
        public float[] VisualTokens { get; set; } = [];
    }

    private sealed class PathRow
    {
        public string Prompt { get; set; } = "<image>Which colour?";

        public string Response { get; set; } = "red";

        public string Picture { get; set; } = "";
    }

    private sealed class NumberedRow
    {
        public int Number { get; set; }

        [VectorType(0, 4, 8)]
        public float[] VisualTokens { get; set; } = [];
    }

    private sealed class ErrorAnswer
    {
        public string? Error { get; set; }
    }

    private sealed class Spoilt
    {
        public string Prompt { get; set; } = "";
    }
}
