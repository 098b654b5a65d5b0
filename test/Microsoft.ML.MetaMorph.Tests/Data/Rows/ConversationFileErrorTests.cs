using System.Text;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Everything malformed in a conversation file is one problem at its place, and the rows beside it are read.</summary>
[TestClass]
public sealed class ConversationFileErrorTests : FolderTests
{
    private const string Good = """{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}""";

    [TestMethod]
    [DataRow("""{"id": 1}""", "the row has neither 'conversations' nor 'messages'; it has 'id'.")]
    [DataRow("""{}""", "the row has neither 'conversations' nor 'messages'; it has no keys at all.")]
    [DataRow("""{"conversations": [], "messages": []}""", "the row has both 'conversations' and 'messages'; leave one.")]
    [DataRow("""{"conversations": "hi"}""", "'conversations' is a text; a list of messages is needed.")]
    [DataRow("""{"conversations": []}""", "the row has no turn. Give it a prompt and a response.")]
    [DataRow("""{"conversations": [7]}""", "'conversations[0]' is a number; an object is needed.")]
    [DataRow("""{"conversations": [{"role": "user", "value": "a"}]}""", "'conversations[0]' has no 'from'; it has 'role', 'value'.")]
    [DataRow("""{"conversations": [{"from": "human", "value": null}]}""", "'conversations[0].value' is null; a text is needed.")]
    [DataRow("""{"conversations": [{"from": "tool", "value": "a"}]}""", "'conversations[0].from' is 'tool'; known are 'human' and 'user', 'gpt' and 'assistant', and 'system'.")]
    [DataRow("""{"conversations": [{"from": "gpt", "value": "a"}]}""", "message 1 is by 'assistant' where 'user' has the turn. Messages go system (at most one, first), then user and assistant in turn.")]
    [DataRow("""{"conversations": [{"from": "human", "value": "a"}]}""", "message 1 of 1 is the user's, so the last prompt has no answer to learn. End with an assistant's message.")]
    [DataRow("""{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": " "}]}""", "the answer of turn 1 of 1 is empty, so there is nothing to learn. Write it, or take the row out.")]
    [DataRow("""{"conversations": [{"from": "human", "value": "<image>a"}, {"from": "gpt", "value": "b"}]}""", "the texts hold 1 <image> marks, but the row has 0 pictures. Give every mark one picture and every picture one mark.")]
    [DataRow("""{"image": "a.png", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}""", "the texts hold 0 <image> marks, but the row has 1 pictures. Give every mark one picture and every picture one mark.")]
    [DataRow("""{"conversations": [{"from": "human", "value": "a<image_end>"}, {"from": "gpt", "value": "b"}]}""", "the text holds 0 <image> marks, but 0 times <image_start> and 1 times <image_end>; each belongs directly around a mark. Write <image> alone.")]
    [DataRow("""{"conversations": [{"from": "system", "value": "<image>"}, {"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}""", "the system message holds an <image> mark. Pictures belong into prompts and responses.")]
    [DataRow("""{"image": 3, "conversations": []}""", "'image' is a number; a path (a text), an object with a 'path', or a list of them is needed.")]
    [DataRow("""{"image": [{"bytes": "x"}], "conversations": []}""", "'image[0]' has no 'path'; it has 'bytes'.")]
    [DataRow("""{"image": "a.png", "images": [], "conversations": []}""", "the row has both 'image' and 'images'; leave one.")]
    [DataRow("""{"messages": [{"role": "user", "content": 4}]}""", "'messages[0].content' is a number; a text or a list of parts is needed.")]
    [DataRow("""{"messages": [{"role": "user", "content": ["a"]}]}""", "'messages[0].content[0]' is a text; an object with a 'type' is needed.")]
    [DataRow("""{"messages": [{"role": "user", "content": [{"type": "video"}]}]}""", "'messages[0].content[0].type' is 'video'; 'text' and 'image' are known.")]
    [DataRow("""{"messages": [{"role": "user", "content": [{"type": "text"}]}]}""", "'messages[0].content[0]' has no 'text'; it has 'type'.")]
    [DataRow("""{"messages": [{"role": "user", "content": "\ud800"}]}""", "'messages[0].content' holds half of a surrogate pair (\\uD800 to \\uDFFF alone), which is no character. Write the pair, or the character itself.")]
    [DataRow("""7""", "the row is a number; a JSON object is needed.")]
    public void WhatIsWrongInARowIsSaid(string row, string problem)
    {
        Folder.Write("a.png", [1]);
        // In lines and in an array, between good rows.
        foreach (string text in (string[])[$"{Good}\n{row}\n{Good}\n", $"[{Good},\n{row},\n{Good}]"])
        {
            RowReading[] readings = Read(Encoding.UTF8.GetBytes(text));
            Assert.HasCount(3, readings);
            Assert.AreEqual(problem, readings[1].Problem);
            Assert.IsNull(readings[1].Row);
            Assert.AreEqual(2, readings[1].Place.Number);
            Assert.IsNotNull(readings[0].Row);
            Assert.IsNotNull(readings[2].Row);
        }
    }

    [TestMethod]
    public void BrokenJsonIsToldWithItsPlaceInTheRow()
    {
        RowReading[] readings = Read(Encoding.UTF8.GetBytes($"{Good}\n{Good[..30]}\n{Good}"));
        Assert.HasCount(3, readings);
        StringAssert.StartsWith(readings[1].Problem, "the row is no whole JSON, at byte ");
        StringAssert.Contains(readings[1].Problem, " of line 1 of the row: ");
        StringAssert.EndsWith(readings[1].Problem, " Mend it, or take the row out.");
        Assert.DoesNotContain("LineNumber", readings[1].Problem!);
    }

    [TestMethod]
    public void ATextThatIsNotUtf8IsToldWithItsByte()
    {
        byte[] row = Encoding.Latin1.GetBytes(Good.Replace("\"a\"", "\"é\""));
        int at = Array.IndexOf(row, (byte)0xE9);
        RowReading[] readings = Read([.. Encoding.UTF8.GetBytes(Good + "\n"), .. row]);
        Assert.AreEqual($"byte {at + 1} of the row (0xE9) is not UTF-8. Save the file as UTF-8.", readings[1].Problem);
    }

    [TestMethod]
    public void NestingIsBounded()
    {
        string deep = $$"""{"x": {{new string('[', 100_000)}}{{new string(']', 100_000)}}}""";
        foreach (string text in (string[])[$"{deep}\n{Good}", $"[{deep}, {Good}]"])
        {
            RowReading[] readings = Read(Encoding.UTF8.GetBytes(text));
            StringAssert.Contains(readings[0].Problem, "depth of 32");
            Assert.IsNotNull(readings[1].Row);
        }
    }

    [TestMethod]
    public void APropertyThatStandsTwiceIsRefused()
    {
        RowReading reading = Read(Encoding.UTF8.GetBytes("""{"conversations": [], "conversations": []}""")).Single();
        StringAssert.Contains(reading.Problem, "conversations");
        Assert.IsNull(reading.Row);
    }

    /// <summary>A row of a hundred megabytes costs no memory, and the next one is read.</summary>
    [TestMethod]
    public void ARowThatIsTooLongIsPassedOver()
    {
        foreach ((string begin, string end) in new[] { ("", "\n"), ("[", ",") })
        {
            using var stream = new GeneratedStream(begin + "{\"x\": \"", part => part < 1000 ? new string('x', 100_000) : part == 1000 ? "\"}" + end + Good + (begin == "[" ? "]" : "") : null);
            long before = GC.GetAllocatedBytesForCurrentThread();
            RowReading[] readings = [.. ConversationFileSource.Read(stream, "rows", _ => throw new InvalidOperationException(), 1 << 20)];
            // The stream itself makes 200 and 100 kilobytes a part.
            Assert.IsLessThan(1001 * 300_200L + (8 << 20), GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.HasCount(2, readings);
            Assert.AreEqual("the row has 100000009 bytes, more than MaximumRowBytes = 1048576. Raise it, or take the row out.", readings[0].Problem);
            Assert.IsNotNull(readings[1].Row);
        }
    }

    [TestMethod]
    public void AnArrayThatEndsEarlyLosesItsLastRowOnly()
    {
        RowReading[] readings = Read(Encoding.UTF8.GetBytes($"[{Good},\n{Good[..40]}"));
        Assert.IsNotNull(readings[0].Row);
        Assert.AreEqual((2L, "the file ends inside the row that begins here, so the array is not whole. Fetch or write the file again; rows behind this place are lost."), (readings[1].Place.Number, readings[1].Problem));
        readings = Read(Encoding.UTF8.GetBytes($"[{Good}]\n{Good}"));
        Assert.AreEqual((2L, "there is something behind the end of the JSON array. Write one array, or one object a line without an array."), (readings[1].Place.Number, readings[1].Problem));
        StringAssert.StartsWith(Read(Encoding.UTF8.GetBytes($"[{Good},]"))[1].Problem, "the row is no whole JSON, at byte 1 of line 1 of the row: ");
    }

    [TestMethod]
    public void FilesThatAreNotThereAreToldAtOnce()
    {
        MetaMorphData data = new MLContext().MetaMorph().Data;
        Assert.AreEqual($"{Folder["no.jsonl"]}: there is no such file of rows (looked in {Folder["no.jsonl"]}).", Assert.ThrowsExactly<FileNotFoundException>(() => data.Conversations([Folder["no.jsonl"]])).Message);
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentException>(() => data.Conversations([Folder.Path])).Message, $"'{Folder.Path}' is a folder; name the files in it.");
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentException>(() => data.Conversations(["https://example.org/rows.jsonl"])).Message, "'https://example.org/rows.jsonl' is an address, and nothing is ever fetched. Download it first.");
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentException>(() => data.Conversations([])).Message, "There is no file to read; name one or several.");
        string file = Folder.Write("rows.jsonl", Good);
        StringAssert.StartsWith(Assert.ThrowsExactly<DirectoryNotFoundException>(() => data.Conversations([file], new ConversationFileOptions { ImageFolder = Folder["no"] })).Message, $"{Folder["no"]}: there is no such folder of pictures");
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => data.Conversations([file], new ConversationFileOptions { MaximumRowBytes = 0 })).Message, "MaximumRowBytes is 0; 1 to 1073741824 are possible.");
    }

    private RowReading[] Read(byte[] bytes) => [.. new MLContext().MetaMorph().Data.Conversations([Folder.Write("rows.json", bytes)]).Read()];
}
