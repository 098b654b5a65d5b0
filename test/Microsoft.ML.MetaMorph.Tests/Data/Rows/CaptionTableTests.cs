using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Pictures and captions out of tables, as RFC 4180 has them.</summary>
[TestClass]
public sealed class CaptionTableTests : FolderTests
{
    private static readonly Gen<string> Field = Gen.Elements("a", "\"", ",", "\n", "\r\n", "é", " ", ";").ListOf().Select(parts => string.Concat(parts));

    [TestMethod]
    public void RowsBecomeDescriptions()
    {
        RowReading[] rows = Read("id,text,image\r\n1,\"a \"\"red\"\" square,\nsmall\",a.png\r\n\r\n2,a circle,a.png");
        CollectionAssert.AreEqual(new[] { "a \"red\" square,\nsmall", "a circle" }, rows.Select(row => row.Row!.Responses.Single()).ToArray());
        Assert.AreEqual("<image>\nDescribe the picture.", rows[0].Row!.Prompts.Single());
        Assert.AreEqual(Folder["a.png"], rows[0].Row!.Images.Single().Path);
        Assert.AreEqual((1, "ImageToText"), (rows[0].Row!.PromptImageCount, rows[0].Row!.Kind));
        CollectionAssert.AreEqual(new[] { 2L, 5L }, rows.Select(row => row.Place.Number).ToArray());
    }

    [TestMethod]
    public void RowsMayBecomeDrawingsOrBothWithPromptsInTurn()
    {
        var captions = new CaptionOptions { Task = CaptionTask.Both, DescribePrompts = ["<image>One?", "<image>Two?"], DrawPrompts = ["Paint {caption}.", "Draw {caption}!"], DrawResponse = "Here: <image>" };
        RowReading[] rows = Read("image,text\na.png,x\na.png,y\na.png,z", new TableFileOptions { Captions = captions });
        string[] expected = ["<image>One? / x", "Paint x. / Here: <image>", "<image>Two? / y", "Draw y! / Here: <image>", "<image>One? / z", "Paint z. / Here: <image>"];
        CollectionAssert.AreEqual(expected, rows.Select(row => $"{row.Row!.Prompts[0]} / {row.Row.Responses[0]}").ToArray());
        CollectionAssert.AreEqual(new[] { 1, 0, 1, 0, 1, 0 }, rows.Select(row => row.Row!.PromptImageCount).ToArray());
        captions.Task = CaptionTask.Draw;
        CollectionAssert.AreEqual(new[] { "Paint x.", "Draw y!" }, Read("image,text\na.png,x\na.png,y", new TableFileOptions { Captions = captions }).Select(row => row.Row!.Prompts[0]).ToArray());
    }

    [TestMethod]
    public void TabsAndMissingHeadersAreRead()
    {
        Folder.Write("a.png", [1]);
        RowSource tabs = new MLContext().MetaMorph().Data.CaptionTable([Folder.Write("rows.TSV", "a.png\tone, two\n")], new TableFileOptions { HasHeader = false });
        Assert.AreEqual("one, two", tabs.Read().Single().Row!.Responses[0]);
        Assert.AreEqual("three", Read("a.png;three", new TableFileOptions { HasHeader = false, Separator = ';' }).Single().Row!.Responses[0]);
    }

    [TestMethod]
    [DataRow("a.png", "the row has 1 fields where 2 are needed. Put fields with separators or line breaks inside into quotes.")]
    [DataRow("a.png,b,c", "the row has 3 fields where 2 are needed. Put fields with separators or line breaks inside into quotes.")]
    [DataRow("a.png,\"b\"c", "something stands behind the closing quote of field 2. Double quotes that are inside a field.")]
    [DataRow("a.png,b\"c", "a quote stands inside field 2, which does not begin with one. Put the field into quotes and double those inside.")]
    [DataRow("a.png,", "the caption is empty, so there is nothing to learn. Write it, or take the row out.")]
    [DataRow("a.png,a <image>", "the caption holds an <image> mark, and there is no further picture for it. Take it out.")]
    [DataRow(",b", "the path of a picture is empty. Name the file, or leave the picture and its <image> mark out.")]
    public void WhatIsWrongInARowIsSaid(string row, string problem)
    {
        RowReading[] rows = Read($"image,text\na.png,x\n{row}\na.png,y");
        Assert.HasCount(3, rows);
        Assert.AreEqual((3L, problem), (rows[1].Place.Number, rows[1].Problem));
        Assert.AreEqual("y", rows[2].Row!.Responses[0]);
    }

    [TestMethod]
    public void AnOpenQuoteLosesTheRestAndSaysSo()
    {
        RowReading[] rows = Read("image,text\na.png,x\na.png,\"open\na.png,y\n");
        Assert.HasCount(2, rows);
        Assert.AreEqual((3L, "the quote that opens field 2 on line 3 is not closed before the file ends; rows behind it are lost. Close it."), (rows[1].Place.Number, rows[1].Problem));
        rows = Read("image,text\na.png,\"open\n" + new string('x', 5000), new TableFileOptions { MaximumRowBytes = 1000 });
        Assert.AreEqual("the row has 5010 bytes, more than MaximumRowBytes = 1000; a quote may be missing. Raise it, or mend the row.", rows.Single().Problem);
    }

    [TestMethod]
    public void LongRowsAndOtherEncodingsAreRefused()
    {
        RowReading[] rows = Read("image,text\na.png," + new string('x', 2000) + "\na.png,y", new TableFileOptions { MaximumRowBytes = 1000 });
        Assert.AreEqual("the row has 2005 bytes, more than MaximumRowBytes = 1000. Raise it, or mend the row.", rows[0].Problem);
        Assert.AreEqual("y", rows[1].Row!.Responses[0]);
        Folder.Write("a.png", [1]);
        rows = [.. new MLContext().MetaMorph().Data.CaptionTable([Folder.Write("rows.csv", Encoding.Latin1.GetBytes("image,text\na.png,né"))]).Read()];
        Assert.AreEqual("byte 2 of field 2 (0xE9) is not UTF-8. Save the file as UTF-8.", rows.Single().Problem);
    }

    [TestMethod]
    public void AHeaderWithoutTheFieldsIsAnErrorOfTheFile()
    {
        string Message(string header) => Assert.ThrowsExactly<InvalidDataException>(() => Read($"{header}\na.png,x")).Message;
        string advice = "or set HasHeader to false where the first row is none.";
        Assert.AreEqual($"{Folder["rows.csv"]}, line 1: the header has the field 'image' 0 times; it has 'a', 'text'. Name the field in TableFileOptions.ImageField, {advice}", Message("a,text"));
        Assert.AreEqual($"{Folder["rows.csv"]}, line 1: the header has the field 'text' 2 times; it has 'image', 'text', 'text'. Name the field in TableFileOptions.TextField, {advice}", Message("image,text,text"));
    }

    [TestMethod]
    public void PromptsMustHoldTheirMarks()
    {
        string Message(CaptionOptions captions) => Assert.ThrowsExactly<ArgumentException>(() => Read("image,text", new TableFileOptions { Captions = captions })).Message.Split(" (Parameter")[0];
        Assert.AreEqual("DescribePrompts: the text \"Say.\" holds <image> 0 times; once is needed.", Message(new CaptionOptions { DescribePrompts = ["<image>", "Say."] }));
        Assert.AreEqual("DrawPrompts: the text \"{caption} {caption}\" holds {caption} 2 times; once is needed.", Message(new CaptionOptions { DrawPrompts = ["{caption} {caption}"] }));
        Assert.AreEqual("DrawPrompts is empty; give at least one text.", Message(new CaptionOptions { DrawPrompts = [] }));
    }

    /// <summary>Any texts, written with quotes, come back.</summary>
    [TestMethod]
    public void WhatIsWrittenIsRead()
    {
        Prop.ForAll(Field.ListOf().ListOf().ToArbitrary(), table =>
        {
            string[][] rows = [.. table.Select(row => row.Append("end").ToArray())];
            string text = string.Join("\r\n", rows.Select(row => string.Join(',', row.Select(field => $"\"{field.Replace("\"", "\"\"")}\""))));
            DelimitedRecord[] read = [.. new DelimitedRecords(new ByteFeed(new MemoryStream(Encoding.UTF8.GetBytes(text))), (byte)',', 1 << 20).Read()];
            Assert.HasCount(rows.Length, read);
            for (int i = 0; i < rows.Length; i++)
            {
                Assert.IsNull(read[i].Problem);
                CollectionAssert.AreEqual(rows[i], read[i].Fields.ToArray());
            }
        }).QuickCheckThrowOnFailure();
    }

    private RowReading[] Read(string text, TableFileOptions? options = null)
    {
        Folder.Write("a.png", [1]);
        return [.. new MLContext().MetaMorph().Data.CaptionTable([Folder.Write("rows.csv", text)], options).Read()];
    }
}
