using System.Text.Json;
using SkiaSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What a training would stumble over is told before it.</summary>
[TestClass]
public sealed class DataValidatorTests : FolderTests
{
    private const string Template = "{% for message in messages %}[{{ message.role }}]{{ message.content }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";

    private readonly MLContext _ml = new();

    [TestMethod]
    public void ErrorsAndWarningsAreCountedByFileAndKind()
    {
        (RowSource source, string[] files) = Source();
        DataReport report = _ml.MetaMorph().Data.Validate(source);
        Assert.AreEqual((4L, 3L, 1L, 4L, 2L, 1L, false), (report.Rows, report.Errors, report.Warnings, report.Turns, report.PromptImages, report.ResponseImages, report.IsUsable));
        CollectionAssert.AreEqual(new[] { new DataFileReport(files[0], 2, 2, 0), new DataFileReport(files[1], 2, 1, 1) }, report.Files.ToArray());
        string[] findings =
        [
            $"error: {files[0]}, line 2: the answer of turn 1 of 1 is empty, so there is nothing to learn. Write it, or take the row out.",
            $"error: {files[0]}, line 3: picture 1 of 1 cannot be read: {Folder["broken.png"]}: 3 bytes that are not a readable PNG, JPEG, WebP, BMP or GIF picture; it starts with the bytes 010203.",
            $"error: {files[1]}, line 1: the picture 'no.png' does not exist (looked in {Folder["no.png"]}). Put it there, name another picture folder, or take the row out.",
            $"warning: {files[1]}, line 3: the row has the same texts and pictures as {files[0]}, line 1. Take one of them out, or leave both if that is meant.",
        ];
        CollectionAssert.AreEqual(findings, report.Findings.Select(finding => finding.ToString()).ToArray());
        Assert.AreEqual("Row 2, Picture 1, Duplicate 1", string.Join(", ", report.FindingsByKind.Select(pair => $"{pair.Key} {pair.Value}")));
        Assert.AreEqual("Edit 1, ReadsImages 2, TextOnly 1", string.Join(", ", report.Kinds.Select(pair => $"{pair.Key} {pair.Value}")));
        Assert.IsNull(report.TextTokens);
    }

    /// <summary>Lengths 3, 4, 7 and 12 of characters: bins of 2–3, 4–7 and 8–15.</summary>
    [TestMethod]
    public void LengthsAreCountedInBinsThatDouble()
    {
        string file = Folder.Write("rows.jsonl", string.Join('\n', new[] { 2, 3, 6, 11 }.Select(length => Row(new string('a', length), "b"))));
        DataReport report = _ml.MetaMorph().Data.Validate(_ml.MetaMorph().Data.Conversations([file]));
        CollectionAssert.AreEqual(new[] { new LengthBin(2, 3, 1), new LengthBin(4, 7, 2), new LengthBin(8, 15, 1) }, report.Lengths.ToArray());
        Assert.AreEqual((12L, "characters"), (report.LongestRow, report.LengthUnit));
        string text = report.ToText();
        StringAssert.StartsWith(text, "4 rows can be used, 0 cannot; 0 warnings.\n4 turns, 0 pictures in prompts, 0 in responses.\n  TextOnly: 4\nLengths in characters, the longest 12:\n");
        StringAssert.Contains(text, "         4–7               2 ########################################\n");
        StringAssert.EndsWith(text, $"{file}: 4 rows, 0 errors, 0 warnings\n");
    }

    /// <summary>The totals are those of the rows, encoded one by one as the trainer does it.</summary>
    [TestMethod]
    public void TokensAreCountedByTheTemplate()
    {
        LanguageTokenizer tokenizer = Tokenizer();
        Folder.Write("a.png", Png());
        string file = Folder.Write("rows.jsonl", Row("Say yes.", "yes") + "\n" + Row("<image>Which?", "red", "a.png"));
        var options = new DataValidationOptions { Tokenizer = tokenizer, TokensPerImage = 5, MaximumLength = 30 };
        DataReport report = _ml.MetaMorph().Data.Validate(_ml.MetaMorph().Data.Conversations([file]), options);
        LanguageTokenizer whole = tokenizer.WithSpecialTokens("<image_start>", "<image_end>");
        int[] texts = [whole.Encode("[user]Say yes.[assistant]yes", false).Length, whole.Encode("[user]<image_start>", false).Length + whole.Encode("<image_end>Which?[assistant]red", false).Length];
        Assert.AreEqual(texts.Sum(), (int)report.TextTokens!, 2.0);
        Assert.AreEqual("positions", report.LengthUnit);
        Assert.AreEqual(texts[1] + 5, report.LongestRow, 2.0);
        Assert.IsGreaterThan(0, report.SupervisedTokens!.Value);
        options.MaximumLength = (int)report.LongestRow - 1;
        DataReport cut = _ml.MetaMorph().Data.Validate(_ml.MetaMorph().Data.Conversations([file]), options);
        Assert.AreEqual($"warning: {file}, line 2: the row has {report.LongestRow} positions, more than MaximumLength = {options.MaximumLength}, so training will cut it. Shorten it, or raise the length.", cut.Findings.Single().ToString());
        Assert.IsTrue(cut.IsUsable);
    }

    [TestMethod]
    public void TheReportIsData()
    {
        (RowSource source, string[] files) = Source();
        DataReport report = new MetaMorphDataValidator().Validate(source);
        using JsonDocument json = JsonDocument.Parse(report.ToJson());
        JsonElement root = json.RootElement;
        Assert.AreEqual(4, root.GetProperty("rows").GetInt32());
        Assert.AreEqual(3, root.GetProperty("errors").GetInt32());
        Assert.IsFalse(root.GetProperty("isUsable").GetBoolean());
        Assert.AreEqual(JsonValueKind.Null, root.GetProperty("textTokens").ValueKind);
        JsonElement finding = root.GetProperty("findings")[3];
        Assert.AreEqual(("warning", "duplicate", files[1], 3, "line"), (finding.GetProperty("severity").GetString(), finding.GetProperty("kind").GetString(), finding.GetProperty("place").GetProperty("file").GetString(), finding.GetProperty("place").GetProperty("number").GetInt32(), finding.GetProperty("place").GetProperty("unit").GetString()));
        Assert.AreEqual(1, root.GetProperty("kinds").GetProperty("Edit").GetInt32());
        using var stream = new MemoryStream();
        report.WriteJson(stream);
        Assert.AreEqual(report.ToJson(), System.Text.Encoding.UTF8.GetString(stream.ToArray()));
    }

    [TestMethod]
    public void WhatIsNotAskedForIsNotDone()
    {
        (RowSource source, _) = Source();
        DataReport report = new MetaMorphDataValidator(new DataValidationOptions { DecodeImages = false, FindDuplicates = false, MaximumFindings = 1 }).Validate(source);
        Assert.AreEqual((5L, 2L, 0L), (report.Rows, report.Errors, report.Warnings));
        Assert.HasCount(1, report.Findings);
        StringAssert.EndsWith(report.ToText(), "… and 1 more, which are counted and not listed (DataValidationOptions.MaximumFindings).\n");
        Assert.ThrowsExactly<OperationCanceledException>(() => new MetaMorphDataValidator().Validate(source, new CancellationToken(canceled: true)));
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new MetaMorphDataValidator(new DataValidationOptions { MaximumLength = 0 })).Message, "MaximumLength is 0; 1 to 2147483647 are possible.");
    }

    private static LanguageTokenizer Tokenizer()
    {
        var training = new BytePairTrainingOptions { VocabularySize = 280, ChatTemplate = Template };
        return LanguageTokenizer.Train(["Which colour? red", "Say yes."], training);
    }

    private static string Row(string prompt, string response, string? image = null, string? kind = null)
        => JsonSerializer.Serialize(new { image, kind, conversations = new[] { new { from = "human", value = prompt }, new { from = "gpt", value = response } } });

    private static byte[] Png()
    {
        using var bitmap = new SKBitmap(4, 4);
        bitmap.Erase(SKColors.Red);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    /// <summary>Two files: four rows that can be used, of which the last is the first again; an empty answer, a broken picture, a missing one.</summary>
    private (RowSource Source, string[] Files) Source()
    {
        Folder.Write("a.png", Png());
        Folder.Write("broken.png", [1, 2, 3]);
        string[] files =
        [
            Folder.Write("one.jsonl", string.Join('\n', Row("<image>Which?", "red", "a.png"), Row("a", ""), Row("<image>?", "x", "broken.png"), Row("Draw.", "<image>", "a.png", "Edit"))),
            Folder.Write("two.jsonl", string.Join('\n', Row("<image>?", "x", "no.png"), Row("Say yes.", "yes"), Row("<image>Which?", "red", "a.png"))),
        ];
        return (_ml.MetaMorph().Data.Conversations(files), files);
    }
}
