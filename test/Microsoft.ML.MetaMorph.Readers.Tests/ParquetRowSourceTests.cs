namespace Microsoft.ML.MetaMorph.Readers.Tests;

[TestClass]
public sealed class ParquetRowSourceTests : ParquetFiles
{
    [TestMethod]
    public async Task ConversationsWithPicturesAsBytesAreRead()
    {
        string file = await WriteAsync("a.parquet", Enumerable.Range(0, 5).Select(i => new LlavaRow
        {
            Id = i,
            Conversations = [new() { From = "human", Value = i % 2 == 0 ? $"<image>\nWhat is {i}?" : $"And {i}?" }, new() { From = "gpt", Value = $"It is {i}." }, new() { From = "human", Value = "Sure?" }, new() { From = "gpt", Value = "Yes." }],
            Image = i % 2 == 0 ? new Picture { Bytes = [(byte)i, 1, 2], Path = "/where/it/once/lay.png" } : null,
        }).ToList(), groupSize: 2);
        RowReading[] readings = [.. new ParquetRowSource([file]).Read()];
        Assert.HasCount(5, readings);
        for (int i = 0; i < 5; i++)
        {
            Assert.IsNull(readings[i].Problem);
            Assert.AreEqual(new RowPlace(file, i + 1, "row"), readings[i].Place);
            InstructionRow row = readings[i].Row!;
            CollectionAssert.AreEqual(new[] { i % 2 == 0 ? $"<image>\nWhat is {i}?" : $"And {i}?", "Sure?" }, row.Prompts.ToArray());
            CollectionAssert.AreEqual(new[] { $"It is {i}.", "Yes." }, row.Responses.ToArray());
            Assert.HasCount(i % 2 == 0 ? 1 : 0, row.Images);
            // Two of five groups are kept by default; the first picture is read once more.
            if (i % 2 == 0) CollectionAssert.AreEqual(new byte[] { (byte)i, 1, 2 }, row.Images[0].ReadBytes());
            if (i % 2 == 0) Assert.AreEqual($"{file}, row {i + 1}, column image/bytes", row.Images[0].Name);
        }
    }

    [TestMethod]
    public async Task MessagesWithListsOfPicturesAreRead()
    {
        string file = await WriteAsync("a.parquet", new ChatRow[]
        {
            new() { Messages = [new() { Role = "system", Content = "Be short." }, new() { Role = "user", Content = "<image><image> Same?" }, new() { Role = "assistant", Content = "No." }], Images = [new() { Bytes = [1] }, new() { Bytes = [2] }] },
            new() { Messages = [new() { Role = "user", Content = "Hello" }, new() { Role = "assistant", Content = "Hi" }], Images = [] },
            new() { Messages = [new() { Role = "user", Content = "Draw" }, new() { Role = "assistant", Content = "<image>" }], Images = [new() { Bytes = [3] }] },
            new() { Messages = [new() { Role = "user", Content = "No list" }, new() { Role = "assistant", Content = "None" }], Images = null },
        });
        InstructionRow[] rows = [.. new ParquetRowSource([file]).Read().Select(r => r.Row!)];
        Assert.AreEqual("Be short.", rows[0].System);
        CollectionAssert.AreEqual(new byte[] { 1, 2 }, rows[0].Images.SelectMany(i => i.ReadBytes()).ToArray());
        CollectionAssert.AreEqual(new[] { 2, 0, 1, 0 }, rows.Select(r => r.Images.Count).ToArray());
        CollectionAssert.AreEqual(new byte[] { 3 }, rows[2].Images[0].ReadBytes());
        Assert.AreEqual("No list", rows[3].Prompts[0]);
    }

    [TestMethod]
    public async Task ColumnsOfTextAreFilledIn()
    {
        string file = await WriteAsync("a.parquet", new CaptionRow[] { new() { Image = [7], Caption = "A cat", Likes = 3 }, new() { Image = [8], Caption = null }, new() { Image = null, Caption = "Nothing" } });
        RowReading[] readings = [.. new ParquetRowSource([file], new ParquetRowOptions { Prompt = "Draw: {caption}!", Response = "<image>" }).Read()];
        Assert.AreEqual("Draw: A cat!", readings[0].Row!.Prompts[0]);
        Assert.AreEqual("<image>", readings[0].Row!.Responses[0]);
        CollectionAssert.AreEqual(new byte[] { 7 }, readings[0].Row!.Images[0].ReadBytes());
        Assert.AreEqual("the column 'caption' is null here. Fill it, or take the row out.", readings[1].Problem);
        Assert.AreEqual("the texts hold 1 <image> marks, but the row has 0 pictures. Give every mark one picture and every picture one mark.", readings[2].Problem);
    }

    [TestMethod]
    public async Task PathsAreLookedForInThePictureFolder()
    {
        File.WriteAllBytes(Path.Combine(Folder, "cat.png"), [9]);
        string file = await WriteAsync("a.parquet", new PathRow[] { new() { Picture = "cat.png", Question = "What?", Answer = "A cat." }, new() { Picture = "../cat.png", Question = "What?", Answer = "A cat." } });
        RowReading[] readings = [.. new ParquetRowSource([file], new ParquetRowOptions { Prompt = "<image>{question}", Response = "{answer}", ImageColumnName = "picture" }).Read()];
        CollectionAssert.AreEqual(new byte[] { 9 }, readings[0].Row!.Images[0].ReadBytes());
        StringAssert.StartsWith(readings[1].Problem, "the picture '../cat.png' leads out of its folder by '..'.");
    }

    [TestMethod]
    public async Task ARowThatCannotBeUsedLeavesTheOthers()
    {
        string file = await WriteAsync("a.parquet", new LlavaRow[]
        {
            new() { Conversations = [new() { From = "human", Value = "One?" }, new() { From = "gpt", Value = " " }] },
            new() { Conversations = null },
            new() { Conversations = [new() { From = "human", Value = "Three?" }, new() { From = "gpt", Value = "Three." }] },
        });
        RowReading[] readings = [.. new ParquetRowSource([file]).Read()];
        Assert.AreEqual("the answer of turn 1 of 1 is empty, so there is nothing to learn. Write it, or take the row out.", readings[0].Problem);
        Assert.AreEqual("'conversations' is null; a list of messages is needed.", readings[1].Problem);
        Assert.AreEqual("Three.", readings[2].Row!.Responses[0]);
        Assert.AreEqual(new RowPlace(file, 2, "row"), readings[1].Place);
    }

    [TestMethod]
    public async Task ABrokenFileIsToldAndTheNextIsRead()
    {
        string good = await WriteAsync("good.parquet", new LlavaRow[] { new() { Conversations = [new() { From = "human", Value = "One?" }, new() { From = "gpt", Value = "One." }] } });
        string half = Path.Combine(Folder, "half.parquet"), empty = Path.Combine(Folder, "empty.parquet"), other = await WriteAsync("other.parquet", new CaptionRow[] { new() { Caption = "A cat" } });
        File.WriteAllBytes(half, File.ReadAllBytes(good)[..^20]);
        File.WriteAllBytes(empty, []);
        RowReading[] readings = [.. new ParquetRowSource([half, empty, other, good]).Read()];
        Assert.HasCount(4, readings);
        StringAssert.StartsWith(readings[0].Problem, "the Parquet file cannot be read from here on: ");
        Assert.AreEqual($"'{empty}' has 0 bytes, so it is no Parquet file. It may not have been downloaded whole.", readings[1].Problem);
        Assert.AreEqual("the file does not have a column 'conversations' or 'messages', and ParquetRowOptions.Prompt and Response do not say how to make a row of others. It has: image, caption, likes.", readings[2].Problem);
        Assert.AreEqual("One.", readings[3].Row!.Responses[0]);
        Assert.AreEqual(new RowPlace(other, 1, "row"), readings[2].Place);
    }

    [TestMethod]
    public async Task PicturesOfGroupsThatAreLetGoAreReadAnew()
    {
        string file = await WriteAsync("a.parquet", Enumerable.Range(0, 6).Select(i => new CaptionRow { Image = [(byte)i, (byte)(i * i)], Caption = $"{i}" }).ToList(), groupSize: 2);
        RowImage[] images = [.. new ParquetRowSource([file], new ParquetRowOptions { Prompt = "<image>", Response = "{caption}", CachedRowGroups = 1 }).Read().Select(r => r.Row!.Images[0])];
        foreach (int i in new[] { 5, 0, 3, 1, 4, 2 }) CollectionAssert.AreEqual(new[] { (byte)i, (byte)(i * i) }, images[i].ReadBytes(), $"picture {i}");
        File.Delete(file);
        CollectionAssert.AreEqual(new byte[] { 2, 4 }, images[2].ReadBytes(), "its group is still in memory");
        StringAssert.StartsWith(Assert.ThrowsExactly<InvalidDataException>(() => images[5].ReadBytes()).Message, $"{file}, row group 3, column image: the Parquet file cannot be read from here on: ");
    }

    [TestMethod]
    public void WhatCannotBeIsRefusedAtOnce()
    {
        string file = Path.Combine(Folder, "a.parquet");
        Assert.AreEqual("There is no file to read; name one or several. (Parameter 'files')", Assert.ThrowsExactly<ArgumentException>(() => new ParquetRowSource([])).Message);
        Assert.AreEqual("'https://a/b.parquet' is an address, and nothing is ever fetched. Download it first. (Parameter 'files')", Assert.ThrowsExactly<ArgumentException>(() => new ParquetRowSource(["https://a/b.parquet"])).Message);
        Assert.AreEqual($"'{Folder}' is a folder; name the files in it. (Parameter 'files')", Assert.ThrowsExactly<ArgumentException>(() => new ParquetRowSource([Folder])).Message);
        Assert.AreEqual($"{file}: there is no such file of rows (looked in {file}).", Assert.ThrowsExactly<FileNotFoundException>(() => new ParquetRowSource([file])).Message);
        Assert.AreEqual("Prompt is given without Response. Give both, or neither where the files have 'conversations' or 'messages'.", Assert.ThrowsExactly<ArgumentException>(() => new ParquetRowSource([file], new ParquetRowOptions { Prompt = "a" })).Message);
        Assert.AreEqual("CachedRowGroups is 0; 1 to 1024 are possible. (Parameter 'CachedRowGroups')\nActual value was 0.", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ParquetRowSource([file], new ParquetRowOptions { CachedRowGroups = 0 })).Message.ReplaceLineEndings("\n"));
    }
}
