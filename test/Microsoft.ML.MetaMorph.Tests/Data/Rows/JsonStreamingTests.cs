using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Files of any size are read as far as rows are asked for, in memory that does not grow.</summary>
[TestClass]
public sealed class JsonStreamingTests
{
    private const string Row = """{"conversations": [{"from": "human", "value": "What is number NUMBER?"}, {"from": "gpt", "value": "It is NUMBER."}]}""";

    // Texts with everything that could be taken for the end of a row.
    private static readonly Gen<string> Text = Gen.Elements("a", "\"", "\\", "{", "}", "[", "]", ",", "\n", "\r\n", "é", "😀", " ", ":").ListOf().Select(parts => "." + string.Concat(parts));

    private static readonly Gen<(IList<string> Texts, bool Indented)> Files = Text.ListOf().SelectMany(texts => Gen.Elements(true, false).Select(indented => ((IList<string>)[.. texts], indented)));

    [TestMethod]
    [DataRow("", "\n")]
    [DataRow("[\n", ",\n")]
    public void TheFirstRowComesAtOnceAndMemoryIsFlat(string begin, string end)
    {
        const int Rows = 5_000_000;
        using var stream = new GeneratedStream(begin, number => number < Rows ? Row.Replace("NUMBER", $"{number}") + end : null);
        using IEnumerator<RowReading> rows = ConversationFileSource.Read(stream, "rows", _ => throw new InvalidOperationException(), 1 << 20).GetEnumerator();
        Assert.IsTrue(rows.MoveNext());
        Assert.AreEqual("It is 0.", rows.Current.Row!.Responses[0]);
        Assert.IsLessThanOrEqualTo(1L << 16, stream.BytesRead);
        for (int number = 1; number < 2_000; number++) Assert.IsTrue(rows.MoveNext());
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int number = 2_000; number < 100_000; number++) Assert.IsTrue(rows.MoveNext());
        Assert.AreEqual("It is 99999.", rows.Current.Row!.Responses[0]);
        Assert.IsLessThan(1 << 20, GC.GetTotalMemory(forceFullCollection: true) - before);
    }

    /// <summary>What a serializer writes comes back, as lines and as an array, indented or not.</summary>
    [TestMethod]
    public void WhatIsWrittenIsRead()
    {
        Prop.ForAll(Files.ToArbitrary(), file =>
        {
            object[] rows = [.. file.Texts.Select(text => new { messages = new[] { new { role = "user", content = text }, new { role = "assistant", content = text } } })];
            string array = JsonSerializer.Serialize(rows, new JsonSerializerOptions { WriteIndented = file.Indented });
            string lines = string.Join("\n", rows.Select(row => JsonSerializer.Serialize(row)));
            foreach (string text in (string[])[array, lines])
            {
                RowReading[] read = [.. ConversationFileSource.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), "rows", _ => throw new InvalidOperationException(), 1 << 20)];
                CollectionAssert.AreEqual(file.Texts.ToArray(), read.Select(row => row.Row?.Prompts[0] ?? row.Problem).ToArray());
                CollectionAssert.AreEqual(file.Texts.ToArray(), read.Select(row => row.Row?.Responses[0] ?? row.Problem).ToArray());
            }
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>Bytes that were changed or cut off are problems or other rows, never another exception.</summary>
    [TestMethod]
    public void DamageIsAProblemAndNothingElse()
    {
        byte[] whole = Encoding.UTF8.GetBytes($"[{Row},\n{Row},\n{Row}]");
        Gen<(int At, int Value, int Length)> damage = Gen.Choose(0, whole.Length - 1).SelectMany(at => Gen.Choose(0, 255).SelectMany(value => Gen.Choose(0, whole.Length).Select(length => (at, value, length))));
        Prop.ForAll(damage.ToArbitrary(), change =>
        {
            byte[] bytes = [.. whole];
            bytes[change.At] = (byte)change.Value;
            foreach (byte[] file in (byte[][])[bytes, bytes[..change.Length]])
            {
                foreach (RowReading reading in ConversationFileSource.Read(new MemoryStream(file), "rows", _ => throw new InvalidOperationException(), 1 << 20)) Assert.AreNotEqual(reading.Row is null, reading.Problem is null);
            }
        }).QuickCheckThrowOnFailure();
    }
}
