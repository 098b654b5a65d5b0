using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The texts of Rust's <c>SafeTensorError</c>, with what serde adds to them, and for each the fault that our message must then tell.</summary>
/// <remarks>Not compared, for nothing of ours corresponds to it: the column where serde noticed that a value within the JSON is wrong.</remarks>
internal static class SafetensorsVerdict
{
    private const string Prefix = "Error while deserializing( header)?: ", Json = "invalid JSON in header: ", Column = @" at line 1 column (?<column>\d+)";

    private const string NoBrace = @"is not a sound safetensors file: the header does not begin with '\{'\.", NotJson = @"is not a sound safetensors file: the header is not JSON \(";

    private static readonly Fault[] Faults =
    [
        new("header too small", _ => @"it has [0-7] bytes, the length of the header alone takes 8\."),
        // The first letters of a git-lfs pointer, taken for a number, are a length beyond the limit: we tell what the file is.
        new("header too large", _ => @"its header would have \d+ bytes, the format allows 100000000\.|is a git-lfs pointer, not the weights themselves\."),
        new("invalid header length", _ => @"its header ends at byte \d+, the file at \d+; it is truncated or of another kind\."),
        new(@"invalid start character in header, must be `\{`", _ => NoBrace),
        new(@"invalid UTF-8 in header: (invalid utf-8 sequence of \d bytes|incomplete utf-8 byte sequence) from index \d+", _ => @"the header is not UTF-8\."),
        // serde reads on where we ask for the brace first: the header tells an empty one from a list.
        new(Json + "EOF while parsing a value at line 1 column 0", _ => NoBrace, Header: "^$"),
        new(Json + "invalid type: sequence, expected struct HashMetadata at line 1 column 0", _ => NoBrace, Header: @"^\["),
        new(Json + "key must be a string" + Column, m => $"{NotJson}.*is an invalid start of a property name.*{Position(m)}"),
        new(Json + "trailing characters" + Column, m => $"{NotJson}.*is invalid after a single JSON value.*{Position(m)}"),
        new(Json + "recursion limit exceeded" + Column, _ => $"{NotJson}The maximum configured depth of 64 has been exceeded"),
        // The list of known types is cut where the text is long.
        new(Json + "unknown variant `(?<type>.+?)`, expected one of (`[A-Z0-9_]+`, )*`?[A-Z0-9_]*`?", m => $"tensor '.*': its dtype '{Regex.Escape(m.Groups["type"].Value)}' is not known"),
        new(Json + "missing field `(?<field>dtype|shape|data_offsets)`" + Column, m => $"tensor '.*': it has no '{m.Groups["field"].Value}'"),
        new(Json + @"invalid type: integer `\d+`, expected string or map" + Column, _ => "tensor '.*': its dtype is not a string"),
        new(Json + @"invalid type: integer `\d+`, expected a string" + Column, _ => "the value of '.*' in __metadata__ is not a string"),
        new(Json + @"invalid value: integer `(?<number>-\d+)`, expected usize" + Column, m => $"tensor '.*': its (shape|data_offsets) holds {m.Groups["number"].Value}, which is not a whole number"),
        new(Json + "invalid type: floating point `(?<number>[^`]+)`, expected usize" + Column, _ => "tensor '.*': its (shape|data_offsets) holds (?<ours>[^,]+), which is not a whole number"),
        new(Json + @"invalid length (?<number>\d+), expected 2 elements in sequence" + Column, m => $"tensor '.*': data_offsets has {m.Groups["number"].Value} numbers, not 2"),
        new("invalid shape, data type, or offset for tensor", _ => @"tensor '.*': the shape \[.*\] of \w+ takes \d+ bytes, the offsets hold \d+\."),
        // One wording for a gap, an overlap and an end before the beginning.
        new("invalid offset for tensor `(?<tensor>.*)`", _ => @"tensor '(?<ours>[^']*)': its bytes (begin at \d+, inside|begin at \d+, but .* belong to no tensor|end \(\d+\) before they begin)"),
        new("overflow computing buffer size from shape and/or element type", _ => @"tensor '.*': the shape \[.*\] has more elements than 64 bits can count\."),
        // One wording for tensors that need more bytes than there are, and for bytes that no tensor needs.
        new("incomplete metadata, file not fully covered", _ => @"tensor '.*': its bytes end at \d+, but only \d+ follow the header|\d+ bytes follow .*, which ends at \d+, and belong to no tensor\."),
    ];

    /// <summary>Where we are stricter than the Rust reader, as the format's text asks.</summary>
    private static readonly Fault Stricter = new(PublishedVerdict.Loads, _ => $"{NoBrace}|the name '.*' occurs twice in the header\\.", Header: @"^\s*\{");

    public static bool IsKnown(string published) => published == PublishedVerdict.Loads || Find(published) is not null;

    /// <summary>Why our message tells another fault than the published one; null if they agree.</summary>
    public static string? Disagreement(string published, string message, string path)
    {
        if ((published == PublishedVerdict.Loads ? (Stricter, Match.Empty) : Find(published)) is not var (fault, match)) return $"safetensors has no error '{published}'";
        string pattern = fault.Ours(match);
        Match ours = Regex.Match(message, pattern);
        if (!ours.Success) return $"safetensors says '{published}', so that our message must match {pattern}; it is: {message}";
        if (fault.Header is { } begin && !Regex.IsMatch(Header(path), begin)) return $"safetensors says '{published}', but the header does not match {begin}";
        if (match.Groups["tensor"] is { Success: true } tensor && tensor.Value != ours.Groups["ours"].Value && !SameBytes(path, tensor.Value, ours.Groups["ours"].Value))
            return $"safetensors names the tensor '{tensor.Value}'; our message does not: {message}";
        if (match.Groups["number"] is { Success: true } number && ours.Groups["ours"] is { Success: true } own && Number(number.Value) != Number(own.Value))
            return $"safetensors names the number {number.Value}; our message does not: {message}";
        return null;
    }

    private static (Fault Fault, Match Match)? Find(string published)
    {
        foreach (Fault fault in Faults)
        {
            if (Regex.Match(published, $"^{Prefix}{fault.Published}$") is { Success: true } match) return (fault, match);
        }
        return null;
    }

    /// <summary>serde counts columns from 1, System.Text.Json from 0.</summary>
    private static string Position(Match published) => FormattableString.Invariant($"BytePositionInLine: {int.Parse(published.Groups["column"].Value, CultureInfo.InvariantCulture) - 1}\\.");

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    /// <summary>Two names for the same bytes: either may be said to lie in the other.</summary>
    private static bool SameBytes(string path, string one, string other)
    {
        using JsonDocument header = JsonDocument.Parse(Header(path));
        return Offsets(one) is { } offsets && offsets == Offsets(other);

        string? Offsets(string name) => header.RootElement.TryGetProperty(name, out JsonElement entry) ? entry.GetProperty("data_offsets").GetRawText() : null;
    }

    private static string Header(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        return Encoding.UTF8.GetString(bytes.AsSpan(8, checked((int)BitConverter.ToInt64(bytes, 0))));
    }

    /// <param name="Published">The published text behind the prefix, as a pattern.</param>
    /// <param name="Ours">What our message must match then.</param>
    /// <param name="Header">What the file's header must match then.</param>
    private sealed record Fault(string Published, Func<Match, string> Ours, string? Header = null);
}
