using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Readers.Tests;

/// <summary>Files that are broken or mean harm, and the memory that whole ones take.</summary>
[TestClass]
public sealed class ParquetHostileTests : ParquetFiles
{
    private const int PictureBytes = 500_000;

    [TestMethod]
    public async Task AFileCutOffAnywhereGivesOneProblemAndNoRow()
    {
        byte[] whole = File.ReadAllBytes(await WriteAsync("a.parquet", Rows(4), groupSize: 2));
        string cut = Path.Combine(Folder, "cut.parquet");
        for (int length = 0; length < whole.Length; length += 13)
        {
            File.WriteAllBytes(cut, whole[..length]);
            RowReading reading = new ParquetRowSource([cut]).Read().Single();
            Assert.AreEqual(new RowPlace(cut, 1, "row"), reading.Place, $"{length} bytes");
            Assert.IsNotNull(reading.Problem, $"{length} bytes");
        }
    }

    /// <summary>One byte after another is another one: there are rows or problems, and nothing else comes out.</summary>
    [TestMethod]
    public async Task AByteThatIsWrongNeverEndsTheReading()
    {
        byte[] whole = File.ReadAllBytes(await WriteAsync("a.parquet", Rows(4), groupSize: 2));
        string wrong = Path.Combine(Folder, "wrong.parquet");
        var random = new Random(5);
        int problems = 0;
        for (int at = 0; at < whole.Length; at += 3)
        {
            byte[] bytes = [.. whole];
            bytes[at] ^= (byte)random.Next(1, 256);
            File.WriteAllBytes(wrong, bytes);
            RowReading[] readings = [.. new ParquetRowSource([wrong], new ParquetRowOptions { MaximumRowGroupBytes = 1 << 24 }).Read()];
            foreach (RowReading reading in readings) Assert.AreNotEqual(reading.Row is null, reading.Problem is null, $"byte {at}");
            problems += readings.Count(r => r.Problem is not null);
        }

        Assert.IsGreaterThan(whole.Length / 30, problems);
    }

    [TestMethod]
    public async Task ABrokenGroupIsToldAtItsFirstRow()
    {
        string file = await WriteAsync("a.parquet", Rows(6), groupSize: 2);
        byte[] bytes = File.ReadAllBytes(file);
        // The texts of the second group.
        int third = bytes.AsSpan().IndexOf("Answer 2."u8);
        Assert.IsGreaterThan(0, third, "the texts are not packed");
        bytes.AsSpan(third - 60, 60).Fill(0xFF);
        File.WriteAllBytes(file, bytes);
        RowReading[] readings = [.. new ParquetRowSource([file]).Read()];
        Assert.HasCount(3, readings);
        CollectionAssert.AreEqual(new[] { "Answer 0.", "Answer 1." }, readings[..2].Select(r => r.Row!.Responses[0]).ToArray());
        Assert.AreEqual(new RowPlace(file, 3, "row"), readings[2].Place);
        StringAssert.StartsWith(readings[2].Problem, "the Parquet file cannot be read from here on: ");
    }

    [TestMethod]
    public async Task ARowGroupThatIsTooLargeIsRefusedBeforeItIsRead()
    {
        string file = await WriteAsync("a.parquet", Rows(2));
        StringAssert.Matches(new ParquetRowSource([file], new ParquetRowOptions { MaximumRowGroupBytes = 100 }).Read().Single().Problem, new(@"^row group 1 needs \d{3,4} bytes in memory, more than ParquetRowOptions\.MaximumRowGroupBytes = 100\. Raise it, or write the file anew with smaller row groups\.$"));
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new ParquetRowSource([file], new ParquetRowOptions { MaximumRowGroupBytes = 0 })).Message, "MaximumRowGroupBytes is 0; 1 to 1099511627776 are possible.");
    }

    [TestMethod]
    public async Task SkippedRowsAreCountedAndListedAndAnErrorNamesFileAndRow()
    {
        string file = await WriteAsync("a.parquet", new CaptionRow[] { new() { Image = [7], Caption = "A cat" }, new() { Image = [8], Caption = null }, new() { Image = [9], Caption = "A dog" } });
        string half = Path.Combine(Folder, "half.parquet");
        File.WriteAllBytes(half, File.ReadAllBytes(file)[..^20]);
        var context = new MLContext();
        RowSource source = context.MetaMorph().Data.Parquet([half, file], new ParquetRowOptions { Prompt = "<image>", Response = "{caption}" });
        var options = new RowViewOptions { SkipBadRows = true };
        IDataView view = context.MetaMorph().Data.Load(source, options);
        CollectionAssert.AreEqual(new byte[] { 7, 9 }, view.GetColumn<VBuffer<byte>>("Image").Select(bytes => bytes.GetValues()[0]).ToArray());
        Assert.AreEqual(2, options.Skipped.Count);
        Assert.AreEqual(new SkippedRow(new RowPlace(file, 2, "row"), "the column 'caption' is null here. Fill it, or take the row out."), options.Skipped.ToList()[1]);
        Assert.AreEqual(new RowPlace(half, 1, "row"), options.Skipped.ToList()[0].Place);
        IDataView strict = context.MetaMorph().Data.Load(new ParquetRowSource([file], new ParquetRowOptions { Prompt = "<image>", Response = "{caption}" }));
        StringAssert.Contains(Assert.Throws<InvalidDataException>(() => strict.GetColumn<VBuffer<byte>>("Image").Count()).Message, $"{file}, row 2: the column 'caption' is null here. Fill it, or take the row out.");
    }

    /// <summary>Of 40 groups of one picture of half a megabyte each, two are kept, while all rows are.</summary>
    [TestMethod]
    public async Task MemoryIsThatOfTheGroupsInUseAndNotOfTheFile()
    {
        const int groups = 40;
        var random = new Random(3);
        string file = await WriteAsync("a.parquet", Enumerable.Range(0, groups).Select(i => new CaptionRow { Image = Noise(random), Caption = $"{i}" }).ToList(), groupSize: 1);
        Assert.IsGreaterThan((long)groups * PictureBytes, new FileInfo(file).Length);
        var kept = new List<InstructionRow>();
        long before = GC.GetTotalMemory(forceFullCollection: true), most = 0;
        foreach (RowReading reading in new ParquetRowSource([file], new ParquetRowOptions { Prompt = "<image>", Response = "{caption}" }).Read())
        {
            Assert.HasCount(PictureBytes, reading.Row!.Images[0].ReadBytes());
            kept.Add(reading.Row);
            most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: true) - before);
        }

        Assert.HasCount(groups, kept);
        // Two groups of the cache, the one in hand, and what the library keeps for the next: far from 20 megabytes.
        Assert.IsLessThan(12L * PictureBytes, most);
    }

    /// <summary>Groups in groups in groups, as deep as a few bytes each make them, must not use up the stack, which would end the process.</summary>
    [TestMethod]
    public void ASchemaNestedTooDeepIsRefused()
    {
        const int depth = 200_000;
        var footer = new List<byte> { 0x15, 0x02, 0x19, 0xFC };
        for (uint left = depth + 1; ; left >>= 7)
        {
            footer.Add((byte)(left > 127 ? (left & 127) | 128 : left));
            if (left <= 127) break;
        }

        // Each group: its name 'g' and one child; then a column of bytes 'x'; no rows, no row groups.
        for (int i = 0; i < depth; i++) footer.AddRange([0x48, 1, (byte)'g', 0x15, 2, 0]);
        footer.AddRange([0x15, 12, 0x25, 2, 0x18, 1, (byte)'x', 0, 0x16, 0, 0x19, 0x0C, 0]);
        string file = Path.Combine(Folder, "deep.parquet");
        File.WriteAllBytes(file, [.. "PAR1"u8, .. footer, .. BitConverter.GetBytes(footer.Count), .. "PAR1"u8]);
        RowReading reading = new ParquetRowSource([file]).Read().Single();
        Assert.AreEqual("the footer of the Parquet file is nested more than 32 levels deep, which no data set is. Take the file out.", reading.Problem);
        Assert.AreEqual(new RowPlace(file, 1, "row"), reading.Place);
        // Lists in lists of a field that nobody knows.
        footer = [0x29, .. Enumerable.Repeat((byte)0x19, depth)];
        File.WriteAllBytes(file, [.. "PAR1"u8, .. footer, .. BitConverter.GetBytes(footer.Count), .. "PAR1"u8]);
        Assert.AreEqual(reading.Problem, new ParquetRowSource([file]).Read().Single().Problem);
        File.WriteAllBytes(file, [.. "PAR1"u8, 1, 2, .. BitConverter.GetBytes(1000), .. "PAR1"u8]);
        Assert.AreEqual($"'{file}' has 14 bytes, and its footer claims to have 1000. It may not have been downloaded whole.", new ParquetRowSource([file]).Read().Single().Problem);
    }

    private static byte[] Noise(Random random)
    {
        byte[] bytes = new byte[PictureBytes];
        random.NextBytes(bytes);
        return bytes;
    }

    private static List<LlavaRow> Rows(int count) => [.. Enumerable.Range(0, count).Select(i => new LlavaRow
    {
        Id = i,
        Conversations = [new() { From = "human", Value = $"<image>\nQuestion {i}?" }, new() { From = "gpt", Value = $"Answer {i}." }],
        Image = new Picture { Bytes = [(byte)i, 1, 2], Path = $"{i}.png" },
    })];
}
