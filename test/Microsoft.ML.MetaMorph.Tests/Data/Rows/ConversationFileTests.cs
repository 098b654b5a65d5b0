namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The forms of conversation files, and what their rows become.</summary>
[TestClass]
public sealed class ConversationFileTests : FolderTests
{
    [TestMethod]
    public void LlavaRowsAreRead()
    {
        InstructionRow row = Row("""{"id": 7, "kind": "Edit", "image": ["a.png", "sub/b.png"], "conversations": [{"from": "human", "value": "<image>\nMake it green."}, {"from": "gpt", "value": "Here: <image>"}]}""");
        Assert.AreEqual("<image>\nMake it green. / Here: <image>", Texts(row));
        Assert.AreEqual("a.png b.png", Names(row));
        Assert.AreEqual((1, "Edit", (string?)null), (row.PromptImageCount, row.Kind, row.System));
    }

    [TestMethod]
    public void APictureMayStandAloneOrNotAtAll()
    {
        Assert.AreEqual("a.png", Names(Row("""{"image": "a.png", "conversations": [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "red"}]}""")));
        Assert.AreEqual("", Names(Row("""{"conversations": [{"from": "human", "value": "Say yes."}, {"from": "gpt", "value": "yes"}]}""")));
        Assert.AreEqual("", Names(Row("""{"image": null, "conversations": [{"from": "human", "value": "Say yes."}, {"from": "gpt", "value": "yes"}]}""")));
        Assert.AreEqual("", Names(Row("""{"image": [], "conversations": [{"from": "human", "value": "Say yes."}, {"from": "gpt", "value": "yes"}]}""")));
    }

    /// <summary>Files give pictures in the order of the marks, columns those of the prompts first.</summary>
    [TestMethod]
    public void PicturesOfPromptsComeFirst()
    {
        InstructionRow row = Row("""
            {"image": ["a.png", "c.png", "sub/b.png", "d.png"], "conversations": [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "<image>"}, {"from": "user", "value": "And <image>?"}, {"from": "assistant", "value": "<image> there"}]}
            """.Trim());
        Assert.AreEqual("<image>? / <image> | And <image>? / <image> there", Texts(row));
        Assert.AreEqual("a.png b.png c.png d.png", Names(row));
        Assert.AreEqual(2, row.PromptImageCount);
    }

    [TestMethod]
    public void MessagesOfTextAreRead()
    {
        InstructionRow row = Row("""{"messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "<image>Colour?"}, {"role": "assistant", "content": "red"}], "images": [{"path": "a.png", "bytes": null}]}""");
        Assert.AreEqual("<image>Colour? / red", Texts(row));
        Assert.AreEqual("a.png", Names(row));
        Assert.AreEqual("Be short.", row.System);
    }

    /// <summary>A part that names its picture has it; the others take those beside the messages in order.</summary>
    [TestMethod]
    public void MessagesOfPartsAreRead()
    {
        InstructionRow row = Row("""
            {"messages": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "and "}, {"type": "image", "image": "sub/b.png"}, {"type": "text", "text": "?"}]}, {"role": "assistant", "content": [{"type": "text", "text": "Look: "}, {"type": "image", "image": null}]}], "images": ["a.png", "c.png"]}
            """.Trim());
        Assert.AreEqual("<image>and <image>? / Look: <image>", Texts(row));
        Assert.AreEqual("a.png b.png c.png", Names(row));
    }

    [TestMethod]
    public void AFileMayBeAnArrayOverManyLines()
    {
        string array = """
            [
              {
                "conversations": [
                  {"from": "human", "value": "brackets ]}, and \"quotes\\"},
                  {"from": "gpt", "value": "one"}
                ]
              }, {"conversations": [{"from": "human", "value": "b"}, {"from": "gpt", "value": "two"}]}

              ,
              {"conversations": [{"from": "human", "value": "c"}, {"from": "gpt", "value": "three"}]}
            ]
            """;
        RowReading[] rows = Read(array);
        CollectionAssert.AreEqual(new[] { 2L, 7L, 10L }, rows.Select(row => row.Place.Number).ToArray());
        CollectionAssert.AreEqual(new[] { "one", "two", "three" }, rows.Select(row => row.Row!.Responses[0]).ToArray());
        Assert.AreEqual("brackets ]}, and \"quotes\\", rows[0].Row!.Prompts[0]);
        Assert.IsEmpty(Read("[]"));
        Assert.IsEmpty(Read(" \n [ \n ] \n"));
        Assert.IsEmpty(Read(""));
    }

    [TestMethod]
    public void LinesMayEndAsOnWindowsAndBeBlank()
    {
        string row = """{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}""";
        CollectionAssert.AreEqual(new[] { 2L, 4L, 5L }, Read($"\n{row}\r\n  \r\n{row}\r\n{row}").Select(reading => reading.Place.Number).ToArray());
        CollectionAssert.AreEqual(new[] { 1L }, Read("\uFEFF" + row).Select(reading => reading.Place.Number).ToArray());
    }

    [TestMethod]
    public void FilesAreReadOneAfterAnotherEachWithItsFolder()
    {
        string[] files = ["one/rows.jsonl", "two/rows.jsonl"];
        foreach (string file in files)
        {
            Folder.Write(file, """{"image": "p.png", "conversations": [{"from": "human", "value": "<image>?"}, {"from": "gpt", "value": "red"}]}""");
            Folder.Write(Path.Combine(Path.GetDirectoryName(file)!, "p.png"), [1, 2, 3]);
        }

        RowSource source = new MLContext().MetaMorph().Data.Conversations([.. files.Select(file => Folder[file])]);
        for (int pass = 0; pass < 2; pass++)
        {
            RowReading[] rows = [.. source.Read()];
            CollectionAssert.AreEqual(files.Select(file => Folder[file]).ToArray(), rows.Select(row => row.Place.File).ToArray());
            CollectionAssert.AreEqual(new[] { Folder["one/p.png"], Folder["two/p.png"] }, rows.Select(row => row.Row!.Images[0].Path).ToArray());
            CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, rows[0].Row!.Images[0].ReadBytes());
        }
    }

    private static string Texts(InstructionRow row) => string.Join(" | ", row.Prompts.Zip(row.Responses, (prompt, response) => $"{prompt} / {response}"));

    private static string Names(InstructionRow row) => string.Join(' ', row.Images.Select(image => Path.GetFileName(image.Path)));

    private InstructionRow Row(string json)
    {
        RowReading reading = Read(json).Single();
        Assert.IsNull(reading.Problem);
        return reading.Row!;
    }

    private RowReading[] Read(string text)
    {
        foreach (string name in (string[])["a.png", "sub/b.png", "c.png", "d.png"]) Folder.Write(name, [1]);
        return [.. new MLContext().MetaMorph().Data.Conversations([Folder.Write("rows.json", text)]).Read()];
    }
}
