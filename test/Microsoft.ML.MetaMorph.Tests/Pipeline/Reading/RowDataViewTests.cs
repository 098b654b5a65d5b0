using System.Text;
using System.Text.Json;
using Microsoft.ML.Data;
using SkiaSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Rows as a data view: columns, passes, order, and what becomes of rows that cannot be used.</summary>
[TestClass]
public sealed class RowDataViewTests : FolderTests
{
    private const string Bad = """{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": ""}]}""";
    private const string BadReason = "the answer of turn 1 of 1 is empty, so there is nothing to learn. Write it, or take the row out.";

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void TurnsAndPathsAreVectors()
    {
        Folder.Write("a.png", [1]);
        Folder.Write("b.png", [2]);
        string file = Folder.Write("rows.jsonl", """{"image": ["a.png", "b.png"], "conversations": [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "<image>"}, {"from": "human", "value": "c"}, {"from": "gpt", "value": "d"}]}""");
        IDataView view = _ml.MetaMorph().Data.LoadConversations(file);
        Assert.AreEqual("Prompt: Vector<Text>, Response: Vector<Text>, Image: Vector<Text>", string.Join(", ", view.Schema.Select(column => $"{column.Name}: {Kind(column.Type)}")));
        object?[] row = ColumnValues.Rows(view, ["Prompt", "Response", "Image"]).Single();
        CollectionAssert.AreEqual(new[] { "<image>?", "c" }, Strings(row[0]));
        CollectionAssert.AreEqual(new[] { "<image>", "d" }, Strings(row[1]));
        CollectionAssert.AreEqual(new[] { Folder["a.png"], Folder["b.png"] }, Strings(row[2]));
    }

    [TestMethod]
    public void PicturesMayStandAsBytesInColumnsOfTheirOwn()
    {
        Folder.Write("a.png", [1]);
        Folder.Write("b.png", [2, 3]);
        string file = Folder.Write("rows.jsonl", """
            {"image": ["a.png", "b.png"], "conversations": [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "<image>"}]}
            {"image": "b.png", "conversations": [{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "d"}]}
            """);
        var options = new RowViewOptions { SeveralTurns = false, ImageForm = RowImageForm.Bytes, MaximumImages = 2, ImageColumnName = "P" };
        IDataView view = _ml.MetaMorph().Data.LoadConversations(file, options: options);
        Assert.AreEqual("Prompt: Text, Response: Text, P: Vector<Byte>, P2: Vector<Byte>", string.Join(", ", view.Schema.Select(column => $"{column.Name}: {Kind(column.Type)}")));
        List<object?[]> rows = ColumnValues.Rows(view, ["P", "P2"]);
        CollectionAssert.AreEqual(new byte[] { 1 }, (byte[])rows[0][0]!);
        CollectionAssert.AreEqual(new byte[] { 2, 3 }, (byte[])rows[0][1]!);
        CollectionAssert.AreEqual(new byte[] { 2, 3 }, (byte[])rows[1][0]!);
        Assert.IsEmpty((byte[])rows[1][1]!);
        options.MaximumImages = 1;
        Assert.AreEqual(
            $"Row 0, {file}, line 1: the row has 2 pictures, more than MaximumImages = 1. Raise it, and give EncodeImages all columns ('P', 'P2', …). Or set RowViewOptions.SkipBadRows to skip such rows and list them.",
            Failure(_ml.MetaMorph().Data.LoadConversations(file, options: options)));
    }

    /// <summary>The whole road, from files to a trained model, with nothing between.</summary>
    [TestMethod]
    [DataRow(RowImageForm.Paths)]
    [DataRow(RowImageForm.Bytes)]
    public void AModelLearnsFromFiles(RowImageForm form)
    {
        string[] colours = ["red", "lime", "blue", "white"];
        var lines = new StringBuilder();
        for (int i = 0; i < 8; i++)
        {
            Folder.Write($"images/{i}.png", Png(colours[i % 4]));
            object row = i % 2 == 0
                ? new { image = (object)$"images/{i}.png", conversations = new[] { new { from = "human", value = "<image>Which colour?" }, new { from = "gpt", value = colours[i % 4] } } }
                : new { image = (object)new[] { $"images/{i - 1}.png", $"images/{i}.png" }, conversations = new[] { new { from = "human", value = $"<image>Make it {colours[i % 4]}." }, new { from = "gpt", value = "Here: <image>" } } };
            lines.AppendLine(JsonSerializer.Serialize(row));
        }

        IDataView view = _ml.MetaMorph().Data.LoadConversations(Folder.Write("rows.jsonl", lines.ToString()), options: new RowViewOptions { ImageForm = form, MaximumImages = 2 });
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        using ImageEncoder encoder = trained.Encoder;
        string[] columns = form == RowImageForm.Paths ? ["Image"] : ["Image", "Image2"];
        var progress = new List<TrainingStatus>();
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps: 4);
        options.Progress = new Receiver(progress.Add);
        using TransformerChain<MetaMorphTransformer> model = _ml.MetaMorph().EncodeImages("VisualTokens", columns, encoder).Append(_ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options)).Fit(view);
        Assert.HasCount(4, progress);
        Assert.IsTrue(progress.All(status => double.IsFinite(status.LanguageLoss) && status.VisualLoss != 0));
        Assert.HasCount(8, model.Transform(view).GetColumn<string>("PredictedResponse").ToArray());
    }

    [TestMethod]
    public void EveryPassIsTheSameAndARandomOneIsShuffled()
    {
        IDataView view = _ml.MetaMorph().Data.LoadConversations(Numbered(500), options: new RowViewOptions { ShuffleBuffer = 50 });
        int[] inOrder = [.. Enumerable.Range(0, 500)];
        CollectionAssert.AreEqual(inOrder, Numbers(view));
        CollectionAssert.AreEqual(inOrder, Numbers(view));
        Assert.IsTrue(view.CanShuffle);
        int[] shuffled = Numbers(view, new Random(3));
        CollectionAssert.AreNotEqual(inOrder, shuffled);
        CollectionAssert.AreEquivalent(inOrder, shuffled);
        CollectionAssert.AreEqual(shuffled, Numbers(view, new Random(3)));
        CollectionAssert.AreNotEqual(shuffled, Numbers(view, new Random(4)));
        // No row can stand further in front than the buffer is long.
        for (int i = 0; i < 500; i++) Assert.IsLessThanOrEqualTo(i + 50, shuffled[i]);
    }

    [TestMethod]
    public void TheSeedDecidesTheOrderOfEveryPass()
    {
        string file = Numbered(100);
        int[] Order(int? contextSeed, int? seed)
        {
            IDataView view = new MLContext(contextSeed).MetaMorph().Data.LoadConversations(file, options: new RowViewOptions { Shuffle = true, Seed = seed });
            int[] first = Numbers(view);
            CollectionAssert.AreEqual(first, Numbers(view));
            CollectionAssert.AreEquivalent(Enumerable.Range(0, 100).ToArray(), first);
            return first;
        }

        int[] seven = Order(null, 7);
        CollectionAssert.AreEqual(seven, Order(7, null));
        CollectionAssert.AreEqual(seven, Order(3, 7));
        CollectionAssert.AreNotEqual(seven, Order(3, null));
        CollectionAssert.AreEqual(Order(null, 0), Order(null, null));
    }

    /// <summary>A row has its number wherever it comes.</summary>
    [TestMethod]
    public void IdsArePlacesInTheSource()
    {
        IDataView view = _ml.MetaMorph().Data.LoadConversations(Numbered(100));
        var ids = new List<DataViewRowId>();
        List<object?[]> rows = ColumnValues.Rows(view, ["Prompt"], new Random(1), ids);
        CollectionAssert.AreEqual(rows.Select(row => ulong.Parse(Strings(row[0])[0])).ToArray(), ids.Select(id => id.Low).ToArray());
    }

    [TestMethod]
    public void ABadRowEndsTheReadingWithItsPlace()
    {
        string file = Folder.Write("rows.jsonl", $"{Numbered(0, 2)}\n{Bad}\n{Numbered(2, 1)}");
        IDataView view = _ml.MetaMorph().Data.LoadConversations(file);
        Assert.AreEqual($"Row 2, {file}, line 4: {BadReason} Or set RowViewOptions.SkipBadRows to skip such rows and list them.", Failure(view));
        // Behind a cache, which hides what it catches, a trainer tells it all the same.
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.VisualTokensColumnName = null;
        InvalidDataException failure = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(_ml.Data.Cache(view, "Prompt", "Response")));
        StringAssert.StartsWith(failure.Message, $"Row 2, {file}, line 4: {BadReason}");
    }

    [TestMethod]
    public void BadRowsAreSkippedCountedListedAndLogged()
    {
        string file = Folder.Write("rows.jsonl", string.Join('\n', Enumerable.Range(0, 30).Select(i => i % 2 == 0 ? Bad : Numbered(i, 1).Trim())));
        var log = new List<string>();
        _ml.Log += (_, entry) => log.Add(entry.Message);
        var options = new RowViewOptions { SkipBadRows = true };
        IDataView view = _ml.MetaMorph().Data.LoadConversations(file, options: options);
        Assert.AreEqual(0, options.Skipped.Count);
        int[] odd = [.. Enumerable.Range(0, 30).Where(i => i % 2 == 1)];
        CollectionAssert.AreEqual(odd, Numbers(view));
        CollectionAssert.AreEqual(odd, Numbers(view));
        CollectionAssert.AreEquivalent(odd, Numbers(view, new Random(1)));
        // Each once, although there were three passes.
        CollectionAssert.AreEqual(Enumerable.Range(0, 15).Select(i => new SkippedRow(new RowPlace(file, (2 * i) + 1), BadReason)).ToArray(), options.Skipped.ToList().ToArray());
        Assert.AreEqual($"{file}, line 1: {BadReason}", options.Skipped.ToList()[0].ToString());
        Assert.AreEqual(10, log.Count(line => line.Contains($"Skipped {file}, line ")));
        Assert.AreEqual(1, log.Count(line => line.Contains("15 of 30 rows were skipped; all are listed in RowViewOptions.Skipped.")));
    }

    [TestMethod]
    public void SystemMessagesAreNeverLostSilently()
    {
        string file = Folder.Write("rows.jsonl", """{"messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}""");
        string Prompt(SystemMessageUse use) => Strings(ColumnValues.Rows(_ml.MetaMorph().Data.LoadConversations(file, options: new RowViewOptions { SystemMessages = use }), ["Prompt"]).Single()[0])[0];
        Assert.AreEqual("Be short.\n\na", Prompt(SystemMessageUse.JoinPrompt));
        Assert.AreEqual("a", Prompt(SystemMessageUse.LeaveOut));
        Assert.AreEqual(
            $"Row 0, {file}, line 1: the row has a system message, and trainers take one for all rows. Set SystemMessages to JoinPrompt (in front of the first prompt) or LeaveOut. Or set RowViewOptions.SkipBadRows to skip such rows and list them.",
            Failure(_ml.MetaMorph().Data.LoadConversations(file)));
    }

    [TestMethod]
    public void SeveralTurnsDoNotFitIntoOneText()
    {
        string file = Folder.Write("rows.jsonl", """{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}, {"role": "assistant", "content": "d"}]}""");
        Assert.AreEqual(
            $"Row 0, {file}, line 1: the row has 2 turns, and the columns hold one. Set SeveralTurns. Or set RowViewOptions.SkipBadRows to skip such rows and list them.",
            Failure(_ml.MetaMorph().Data.LoadConversations(file, options: new RowViewOptions { SeveralTurns = false })));
    }

    [TestMethod]
    public void OptionsOutOfRangeAreNamed()
    {
        string file = Numbered(1);
        string Message(Action<RowViewOptions> change)
        {
            var options = new RowViewOptions();
            change(options);
            return Assert.Throws<ArgumentException>(() => _ml.MetaMorph().Data.LoadConversations(file, options: options)).Message.Split(" (Parameter")[0];
        }

        Assert.AreEqual("ShuffleBuffer is 0; 1 to 10000000 are possible.", Message(options => options.ShuffleBuffer = 0));
        Assert.AreEqual("MaximumImages is 1025; 1 to 1024 are possible.", Message(options => options.MaximumImages = 1025));
        Assert.AreEqual("A column name of RowViewOptions is empty; name all three columns.", Message(options => options.PromptColumnName = ""));
        Assert.AreEqual("The column names of RowViewOptions are A, A, Image; each needs a name of its own.", Message(options => options.PromptColumnName = options.ResponseColumnName = "A"));
        Assert.AreEqual("ImageForm is 7; Auto, Paths, Bytes are possible.", Message(options => options.ImageForm = (RowImageForm)7));
        Assert.AreEqual("SystemMessages is 7; Refuse, JoinPrompt, LeaveOut are possible.", Message(options => options.SystemMessages = (SystemMessageUse)7));
    }

    private static string Kind(DataViewType type) => type is VectorDataViewType vector ? $"Vector<{Kind(vector.ItemType)}>" : type is TextDataViewType ? "Text" : type.ToString()!;

    private static string[] Strings(object? value) => value switch
    {
        string[] texts => texts,
        ReadOnlyMemory<char>[] texts => [.. texts.Select(text => text.ToString())],
        _ => throw new ArgumentException($"{value?.GetType()}", nameof(value)),
    };

    private static string Failure(IDataView view) => Assert.ThrowsExactly<InvalidDataException>(() => ColumnValues.Rows(view, ["Prompt"])).Message;

    private static int[] Numbers(IDataView view, Random? random = null) => [.. ColumnValues.Rows(view, ["Prompt"], random).Select(row => int.Parse(Strings(row[0])[0]))];

    private static string Numbered(int from, int count)
        => string.Join('\n', Enumerable.Range(from, count).Select(i => JsonSerializer.Serialize(new { conversations = new[] { new { from = "human", value = $"{i}" }, new { from = "gpt", value = "yes" } } }))) + "\n";

    private static byte[] Png(string colour)
    {
        using var bitmap = new SKBitmap(16, 16);
        bitmap.Erase(SKColor.Parse(colour switch { "red" => "#FF0000", "lime" => "#00FF00", "blue" => "#0000FF", _ => "#FFFFFF" }));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private string Numbered(int count) => Folder.Write("numbered.jsonl", Numbered(0, count));

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }
}
