using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The published verdict of one file does not pass for that of another, unless both say the same.</summary>
[TestClass]
public sealed class PublishedVerdictTests
{
    private static readonly string[] Kinds = ["hostile", "class", "bad", "truncated", "text", "empty", "other"];

    private static readonly string[] Exceptions = ["UnpicklingError", "RuntimeError", "KeyError", "IndexError", "EOFError", "OSError", "loads", "TypeError"];

    /// <summary>Texts that may stand for each other: every file of a group has the same fault for the Rust reader.</summary>
    private static readonly string[][] Same =
    [
        ["offsets-overlap", "offsets-gap", "offsets-reversed"],   // the same text
        ["shape-beyond-int64", "offsets-huge"],                   // the same number but for its digits behind the 16th
    ];

    [TestMethod]
    public void ATorchFileHasOneKindOfError()
    {
        int compared = 0;
        foreach ((string name, string path, JsonElement file, string message) in Refused("weights-bin").Where(f => f.File.TryGetProperty("error", out _)))
        {
            string own = file.GetProperty("error").GetString()!, thrown = file.GetProperty("torch").GetString()!;
            foreach (string kind in Kinds)
            {
                Assert.AreEqual(kind == own, TorchVerdict.Disagreement(kind, thrown, message, path) is null, $"{name}, {own} exchanged for {kind}");
                compared++;
            }
        }
        Assert.IsGreaterThan(30 * Kinds.Length, compared);
    }

    [TestMethod]
    public void ATorchFileHasOneExceptionButOfCutZipFiles()
    {
        foreach ((string name, string path, JsonElement file, string message) in Refused("weights-bin").Where(f => f.File.TryGetProperty("error", out _)))
        {
            string own = file.GetProperty("error").GetString()!, thrown = file.GetProperty("torch").GetString()!;
            string[] allowed = name.StartsWith("truncated-zip", StringComparison.Ordinal) ? ["RuntimeError", "OSError"] : [thrown];
            CollectionAssert.AreEquivalent(allowed, Exceptions.Where(e => TorchVerdict.Disagreement(own, e, message, path) is null).ToArray(), name);
        }
        Assert.IsTrue(TorchVerdict.IsKnown("UnpicklingError", readable: true) && TorchVerdict.IsKnown("KeyError", readable: false));
        Assert.IsFalse(TorchVerdict.IsKnown("KeyError", readable: true) || TorchVerdict.IsKnown("loadx", readable: true) || TorchVerdict.IsKnown("EOFErrox", readable: false));
    }

    [TestMethod]
    public void ASafetensorsTextIsOfOneFault()
    {
        (string Name, string Path, JsonElement File, string Message)[] files = [.. Refused("weights-hostile-safetensors").Where(f => f.File.TryGetProperty("safetensors", out _))];
        Assert.IsGreaterThan(30, files.Length);
        foreach ((string name, string path, _, string message) in files)
        {
            foreach ((string other, _, JsonElement from, _) in files)
            {
                string text = from.GetProperty("safetensors").GetString()!;
                bool agree = SafetensorsVerdict.Disagreement(text, message, path) is null;
                bool same = name == other || Fault(name) == Fault(other) || Same.Any(group => group.Contains(Stem(name)) && group.Contains(Stem(other)));
                Assert.AreEqual(same, agree, $"{name} with the text of {other}, '{text}': {message}");
            }

            string Fault(string of) => files.Single(f => f.Name == of).File.GetProperty("safetensors").GetString()!;
        }
    }

    [TestMethod]
    public void WordsThatNobodyPublishedFail()
    {
        const string Start = "Error while deserializing header: ";
        Assert.IsTrue(SafetensorsVerdict.IsKnown(Start + "header too small"));
        foreach (string text in new[] { "header too smalx", "invalid JSON in header: ", "invalid JSON in header: missing field `dtypx` at line 1 column 1", "invalid JSON in header: trailing characters at line 1 column x", "invalid UTF-8 in header: x", "tensor `a` not found" })
            Assert.IsFalse(SafetensorsVerdict.IsKnown(Start + text), text);
        Assert.IsFalse(SafetensorsVerdict.IsKnown("loadx"));
    }

    [TestMethod]
    public void AVerdictThatIsLeftOutFails()
    {
        ReferenceCase reference = ReferenceCase.OwnCase("weights-bin");
        Fails("""{ "expect": "error", "file": "a.bin", "error": "bad" }""", "a verdict of torch belongs to a .bin file");
        Fails("""{ "expect": "error", "file": "a.bin", "torch": "KeyError" }""", "a kind of error belongs to a torch file that is expected to be refused");
        Fails("""{ "expect": "ok", "file": "a.bin", "torch": "loads", "error": "bad" }""", "a kind of error belongs to a torch file that is expected to be refused");
        Fails("""{ "expect": "error", "file": "a.safetensors" }""", "a verdict of safetensors belongs to a .safetensors file");
        Fails("""{ "expect": "ok", "file": "a.bin", "torch": "loadx", "optional": true }""", "torch throws no 'loadx' for a file that may be read");
        Fails("""{ "expect": "ok", "file": "a.bin", "torch": "KeyError" }""", "expect is 'ok', though torch says 'KeyError'");

        void Fails(string json, string text)
        {
            JsonElement file = JsonDocument.Parse(json).RootElement;
            TensorAssert.Throws<AssertFailedException>(() => PublishedVerdict.MustLoad(reference, file, file.GetProperty("file").GetString()!), text);
        }
    }

    /// <summary>The files of a case of this repository that we refuse, with what we say.</summary>
    private static IEnumerable<(string Name, string Path, JsonElement File, string Message)> Refused(string name)
    {
        ReferenceCase reference = ReferenceCase.OwnCase(name);
        foreach (JsonElement file in reference.Json.GetProperty("files").EnumerateArray())
        {
            string stem = file.GetProperty("file").GetString()!, path = reference.Path(stem);
            if (Refusal(path) is { } message) yield return (stem, path, file, message);
        }
    }

    private static string? Refusal(string path)
    {
        try
        {
            using TensorArchive archive = TensorArchive.Open(path);
            foreach (string tensor in archive.Tensors.Keys) archive.Read(tensor).Dispose();
            return null;
        }
        catch (InvalidDataException refused)
        {
            return refused.Message;
        }
    }

    private static string Stem(string name) => Path.GetFileNameWithoutExtension(name);
}
