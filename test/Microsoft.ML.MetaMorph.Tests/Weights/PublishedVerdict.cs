using System.Text.Json;
using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What a case says of a file (<c>expect</c>, <c>error</c>) and what the published readers said (<c>safetensors</c>, <c>torch</c>) agree, in words that are known.</summary>
/// <remarks>
/// Not compared, for nothing of ours corresponds to it: the class of the exception that torch throws, and what serde or Rust's UTF-8
/// decoder add behind the colon.
/// </remarks>
internal static partial class PublishedVerdict
{
    private const string Loads = "loads";

    /// <summary>Kinds of errors in torch files, and a word that our message must then have; "" where it depends on the file.</summary>
    private static readonly Dictionary<string, string> TorchErrors = new()
    {
        ["hostile"] = "refused",
        ["class"] = "refused",
        ["empty"] = "0 bytes",
        ["bad"] = "",
        ["truncated"] = "",
        ["text"] = "",
    };

    /// <summary>True if the file must be readable. Any word but the two known ones fails.</summary>
    public static bool MustLoad(ReferenceCase reference, JsonElement file, string name)
    {
        string? expect = Text(file, "expect");
        Assert.IsTrue(expect is "ok" or "error", $"{reference.Name}: {name}: expect is '{expect}', neither 'ok' nor 'error'");
        foreach (string library in new[] { "safetensors", "torch" })
        {
            // "optional" and "stricter" say that we may decide otherwise than the library.
            if (Text(file, library) is { } verdict && !Flag(file, "optional") && !Flag(file, "stricter"))
                Assert.AreEqual(expect == "ok", verdict == Loads, $"{reference.Name}: {name}: expect is '{expect}', though {library} says '{verdict}'");
        }
        if (Text(file, "safetensors") is { } said) Assert.IsTrue(said == Loads || SafetensorsError().IsMatch(said), $"{reference.Name}: {name}: safetensors has no error '{said}'");
        return expect == "ok";
    }

    /// <summary>Our error names the file, the tensor where the published one names it, and says what kind of fault it is.</summary>
    public static void CheckError(ReferenceCase reference, JsonElement file, string name, string message)
    {
        StringAssert.Contains(message, Path.GetFileName(name), $"{reference.Name}: the error of {name} names the file");
        if (Text(file, "error") is { } kind)
        {
            Assert.IsTrue(TorchErrors.TryGetValue(kind, out string? word), $"{reference.Name}: {name}: unknown kind of error '{kind}'");
            StringAssert.Contains(message, word, $"{reference.Name}: the error of {name} ({kind})");
        }
        // Where the Rust reader names a tensor, so must we.
        if (Text(file, "safetensors") is { } rust && SafetensorsError().Match(rust).Groups["tensor"] is { Success: true } tensor)
            StringAssert.Contains(message, $"'{tensor.Value}'", $"{reference.Name}: the error of {name} names the tensor");
    }

    public static bool Flag(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) && value.GetBoolean();

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    /// <summary>The texts of Rust's <c>SafeTensorError</c>.</summary>
    [GeneratedRegex(@"^Error while deserializing( header)?: (header too small|header too large|invalid header length|invalid start character in header, must be `\{`|invalid (UTF-8|JSON) in header: .+|invalid shape, data type, or offset for tensor|invalid offset for tensor `(?<tensor>.*)`|overflow computing buffer size from shape and/or element type|incomplete metadata, file not fully covered|tensor `(?<tensor>.*)` not found)$")]
    private static partial Regex SafetensorsError();
}
