using System.Formats.Tar;
using System.Text;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Shards: tar files whose members belong together by key.</summary>
[TestClass]
public sealed class WebDatasetTests : FolderTests
{
    [TestMethod]
    public void PicturesAndCaptionsAreGroupedByKey()
    {
        string[] shards =
        [
            Shard("0.tar", ("0/000.jpg", [1, 2, 3]), ("0/000.json", "{\"caption\": \"from json\"}"), ("0/001.txt", "before its picture"), ("0/001.png", [4])),
            Shard("1.tar", ("0/000.webp", [5, 6]), ("0/000.txt", " both "), ("0/000.json", "{\"caption\": \"not this\"}"), ("0/000.cls", "7"), ("readme.md", "no row")),
        ];
        RowSource source = new MLContext().MetaMorph().Data.WebDataset(shards);
        RowReading[] rows = [.. source.Read()];
        CollectionAssert.AreEqual(new[] { "from json", "before its picture", "both" }, rows.Select(row => row.Row?.Responses[0] ?? row.Problem).ToArray());
        CollectionAssert.AreEqual(new[] { $"{shards[0]}, member 1", $"{shards[0]}, member 3", $"{shards[1]}, member 1" }, rows.Select(row => row.Place.ToString()).ToArray());
        // Long after the shard was passed.
        CollectionAssert.AreEqual(new byte[] { 1, 2, 3 }, rows[0].Row!.Images[0].ReadBytes());
        CollectionAssert.AreEqual(new byte[] { 4 }, rows[1].Row!.Images[0].ReadBytes());
        CollectionAssert.AreEqual(new byte[] { 5, 6 }, rows[2].Row!.Images[0].ReadBytes());
        Assert.AreEqual($"{shards[0]}, member '0/000.jpg'", rows[0].Row!.Images[0].Name);
        Assert.IsFalse(source.ImagesAreFiles);
    }

    [TestMethod]
    public void ConversationsTakeTheirPicturesFromTheMembers()
    {
        const string Talk = """[{"from": "human", "value": "<image>And?"}, {"from": "gpt", "value": "<image>"}]""";
        string shard = Shard("0.tar", ("a.0.png", [1]), ("a.1.png", [2]), ("a.json", $$"""{"conversations": {{Talk}}}"""), ("b.0.png", [3]), ("b.1.png", [4]), ("b.json", $$"""{"image": ["x/b.1.png", "b.0.png"], "conversations": {{Talk}}}"""), ("c.0.png", [5]), ("c.json", $$"""{"image": ["c.1.png"], "conversations": {{Talk}}}"""));
        RowReading[] rows = Read(shard);
        CollectionAssert.AreEqual(new byte[] { 1, 2 }, rows[0].Row!.Images.SelectMany(image => image.ReadBytes()).ToArray());
        CollectionAssert.AreEqual(new byte[] { 4, 3 }, rows[1].Row!.Images.SelectMany(image => image.ReadBytes()).ToArray());
        Assert.AreEqual("the row names the picture 'c.1.png', which is not among its members: 'c.0.png', 'c.json'.", rows[2].Problem);
    }

    [TestMethod]
    public void WhatIsWrongInARowIsSaid()
    {
        string shard = Shard("0.tar", ("a.png", [1]), ("a.txt", "a"), ("b.png", [1]), ("b.png", [1]), ("b.txt", "b"), ("c.png", [1]), ("d.txt", "d"), ("e.png", [1]), ("e.txt", new string('x', 101)), ("f.png", new byte[201]), ("f.txt", "f"), ("a.jpg", [1]), ("g.png", [1]), ("g.txt", [0xFF]), ("h.png", [1]), ("h.txt", "h"));
        string[] problems = [.. new MLContext().MetaMorph().Data.WebDataset([shard], new ShardOptions { MaximumRowBytes = 100, MaximumImageBytes = 200 }).Read().Select(row => $"{row.Place.Number}: {row.Problem}")];
        string[] expected =
        [
            "1: ",
            "3: the member 'b.png' stands 2 times in the shard. Leave one.",
            "6: the row 'c' has no caption: neither 'c.txt' nor 'c.json' is among its members. Write one of them into the shard.",
            "7: the row 'd' has 0 pictures among its members ('d.txt'); one is needed beside a caption.",
            "8: the member 'e.txt' has 101 bytes, more than MaximumRowBytes = 100. Raise it, or take the row out.",
            "10: the member 'f.png' has 201 bytes, more than MaximumImageBytes = 200. Raise it, or take the row out.",
            "12: the key 'a' stands here again, behind members of other keys. Write the members of a row one after another, and each key once.",
            "13: byte 1 of the member 'g.txt' (0xFF) is not UTF-8. Save the file as UTF-8.",
            "15: ",
        ];
        CollectionAssert.AreEqual(expected, problems);
    }

    [TestMethod]
    public void AShardThatEndsEarlyLosesItsLastRowOnly()
    {
        byte[] whole = File.ReadAllBytes(Shard("0.tar", ("a.png", new byte[2000]), ("a.txt", "a"), ("b.png", new byte[2000]), ("b.txt", "b")));
        // Inside the second picture, whatever headers stand before it.
        int cut = whole.AsSpan().LastIndexOf("b.png"u8) + 1500;
        RowReading[] rows = Read(Folder.Write("cut.tar", whole[..cut]));
        Assert.HasCount(2, rows);
        Assert.AreEqual("a", rows[0].Row!.Responses[0]);
        StringAssert.StartsWith(rows[1].Problem, $"the shard ends inside the member 'b.png': {cut} bytes are there, ");
        StringAssert.EndsWith(rows[1].Problem, " Fetch it again; this row and those behind it are lost.");
        RowReading noTar = Read(Folder.Write("no.tar", Encoding.ASCII.GetBytes(new string('x', 1024)))).Single();
        StringAssert.StartsWith(noTar.Problem, "the shard is no whole tar file behind member 0: ");
        Assert.AreEqual("the shard is compressed (gzip), and pictures in it could be read from its beginning on only. Unpack it with gunzip.", Read(Folder.Write("a.tar.gz", [0x1F, 0x8B, 8])).Single().Problem);
    }

    [TestMethod]
    public void PathsAreRefusedForPicturesInsideShards()
    {
        RowSource source = new MLContext().MetaMorph().Data.WebDataset([Shard("0.tar", ("a.png", [1, 2]), ("a.txt", "a"))]);
        StringAssert.StartsWith(
            Assert.ThrowsExactly<ArgumentException>(() => new MLContext().MetaMorph().Data.Load(source, new RowViewOptions { ImageForm = RowImageForm.Paths })).Message,
            "ImageForm is Paths, but pictures of this source lie inside other files and have no paths. Set Bytes.");
        IDataView view = new MLContext().MetaMorph().Data.Load(source);
        CollectionAssert.AreEqual(new byte[] { 1, 2 }, (byte[])ColumnValues.Rows(view, ["Image"]).Single()[0]!);
    }

    private static RowReading[] Read(string shard) => [.. new MLContext().MetaMorph().Data.WebDataset([shard]).Read()];

    private string Shard(string name, params (string Name, Bytes Content)[] members)
    {
        using FileStream file = File.Create(Folder[name]);
        using var writer = new TarWriter(file, TarEntryFormat.Ustar);
        foreach ((string member, Bytes content) in members) writer.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, member) { DataStream = new MemoryStream(content.Value) });
        return Folder[name];
    }

    /// <summary>Bytes, or a text.</summary>
    [System.Runtime.CompilerServices.CollectionBuilder(typeof(Bytes), nameof(Bytes.Create))]
    private sealed record Bytes(byte[] Value) : IEnumerable<byte>
    {
        public static implicit operator Bytes(string text) => new(Encoding.UTF8.GetBytes(text));

        public static implicit operator Bytes(byte[] value) => new(value);

        public static Bytes Create(ReadOnlySpan<byte> value) => new(value.ToArray());

        public IEnumerator<byte> GetEnumerator() => ((IEnumerable<byte>)Value).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => Value.GetEnumerator();
    }
}
