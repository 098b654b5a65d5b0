using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What a case says of a file (<c>expect</c>, <c>error</c>) and what the published readers said (<c>safetensors</c>, <c>torch</c>) agree with each other and with our error.</summary>
/// <remarks>The published wordings and what each means of ours: <see cref="SafetensorsVerdict"/>, <see cref="TorchVerdict"/>.</remarks>
internal static class PublishedVerdict
{
    public const string Loads = "loads";

    private const string Safetensors = "safetensors", Torch = "torch", Error = "error";

    /// <summary>True if the file must be readable. Any word but the two known ones fails, and so does a file without its reader's verdict.</summary>
    public static bool MustLoad(ReferenceCase reference, JsonElement file, string name)
    {
        string? expect = Text(file, "expect");
        Assert.IsTrue(expect is "ok" or "error", $"{reference.Name}: {name}: expect is '{expect}', neither 'ok' nor 'error'");
        bool readable = expect == "ok", free = Flag(file, "optional") || Flag(file, "stricter");
        foreach ((string library, string extension) in new[] { (Safetensors, ".safetensors"), (Torch, ".bin") })
        {
            string? verdict = Text(file, library);
            Assert.AreEqual(name.EndsWith(extension, StringComparison.Ordinal), verdict is not null, $"{reference.Name}: {name}: a verdict of {library} belongs to a {extension} file");
            // "optional" and "stricter" say that we may decide otherwise than the library.
            if (verdict is not null && !free) Assert.AreEqual(readable, verdict == Loads, $"{reference.Name}: {name}: expect is '{expect}', though {library} says '{verdict}'");
        }
        if (Text(file, Safetensors) is { } said) Assert.IsTrue(SafetensorsVerdict.IsKnown(said), $"{reference.Name}: {name}: safetensors has no error '{said}'");
        if (Text(file, Torch) is { } thrown) Assert.IsTrue(TorchVerdict.IsKnown(thrown, readable), $"{reference.Name}: {name}: torch throws no '{thrown}'{(readable ? " for a file that may be read" : "")}");
        Assert.AreEqual(Text(file, Torch) is not null && !readable, Text(file, Error) is not null, $"{reference.Name}: {name}: a kind of error belongs to a torch file that is expected to be refused");
        return readable;
    }

    /// <summary>Our error names the file, the tensor where the published one names it, and says the same fault.</summary>
    /// <param name="reference">The case.</param>
    /// <param name="file">What the case says of the file.</param>
    /// <param name="name">The file.</param>
    /// <param name="readable">Whether it may be read as well: then there is no published fault.</param>
    /// <param name="message">Our error.</param>
    public static void CheckError(ReferenceCase reference, JsonElement file, string name, bool readable, string message)
    {
        StringAssert.Contains(message, Path.GetFileName(name), $"{reference.Name}: the error of {name} names the file");
        if (readable) return;
        string path = reference.Path(name);
        if (Text(file, Torch) is { } thrown) Agree(TorchVerdict.Disagreement(Text(file, Error)!, thrown, message, path));
        if (Text(file, Safetensors) is { } said) Agree(SafetensorsVerdict.Disagreement(said, message, path));

        void Agree(string? disagreement) => Assert.IsNull(disagreement, $"{reference.Name}: {name}: {disagreement}");
    }

    public static bool Flag(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) && value.GetBoolean();

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
}
