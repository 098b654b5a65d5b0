using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The text of one row as a JSON object, with errors that say where in the row it is wrong.</summary>
internal static class JsonRow
{
    // Rows have four levels; nested further, a file is broken or means harm.
    private const int MaximumDepth = 32;

    // A property that stands twice would be read from one of its places, and nobody would know from which.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = MaximumDepth, AllowDuplicateProperties = false };

    /// <exception cref="InvalidDataException">The record has a problem, is no UTF-8, no JSON, nested too deep, or no object.</exception>
    public static JsonDocument Parse(JsonRecord record)
    {
        if (record.Problem is { } problem) throw new InvalidDataException(problem);
        SourceText.RequireUtf8(record.Bytes.Span, "the row");
        JsonDocument document = ParseAny(record.Bytes);
        if (document.RootElement.ValueKind == JsonValueKind.Object) return document;
        JsonValueKind kind = document.RootElement.ValueKind;
        document.Dispose();
        throw new InvalidDataException($"the row is {Describe(kind)}; a JSON object is needed.");
    }

    /// <summary>The text of a value that must be one.</summary>
    /// <exception cref="InvalidDataException">It is something else, or holds half of a surrogate pair.</exception>
    public static string Text(JsonElement value, string name)
    {
        if (value.ValueKind != JsonValueKind.String) throw WrongKind(value, name, "a text");
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException failure)
        {
            throw new InvalidDataException($"'{name}' holds half of a surrogate pair (\\uD800 to \\uDFFF alone), which is no character. Write the pair, or the character itself.", failure);
        }
    }

    /// <summary>A property that must be there and a text.</summary>
    /// <exception cref="InvalidDataException">It is not.</exception>
    public static string RequiredText(JsonElement row, string key)
        => row.TryGetProperty(key, out JsonElement value) ? Text(value, key) : throw new InvalidDataException($"the row has no '{key}'; it has {Keys(row)}.");

    /// <summary>The first names in an object, for messages.</summary>
    public static string Keys(JsonElement row)
    {
        string[] names = [.. row.EnumerateObject().Select(property => $"'{property.Name}'").Take(10)];
        return names.Length == 0 ? "no keys at all" : string.Join(", ", names);
    }

    public static InvalidDataException WrongKind(JsonElement value, string name, string expected) => new($"'{name}' is {Describe(value.ValueKind)}; {expected} is needed.");

    private static string Describe(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "null",
    };

    private static JsonDocument ParseAny(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return JsonDocument.Parse(bytes, Options);
        }
        catch (JsonException failure)
        {
            // The message ends with line and byte inside the row, which are told in our words.
            string reason = failure.Message.Split([" LineNumber:", " Path:"], StringSplitOptions.None)[0];
            string at = failure.BytePositionInLine is { } position ? FormattableString.Invariant($", at byte {position + 1} of line {failure.LineNumber + 1} of the row") : "";
            throw new InvalidDataException($"the row is no whole JSON{at}: {reason} Mend it, or take the row out.", failure);
        }
    }
}
