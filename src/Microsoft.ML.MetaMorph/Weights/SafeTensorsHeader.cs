using System.Text.Json;
using System.Text.Unicode;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The JSON header of a safetensors file, checked in full before any element is looked at.</summary>
/// <remarks>
/// Stricter than the Rust reader in two points that the format's text asks for: a header begins with '{', and a name occurs once.
/// Format: https://github.com/huggingface/safetensors#format
/// </remarks>
internal sealed class SafeTensorsHeader
{
    /// <summary>The longest header that the format allows.</summary>
    public const long LengthLimit = 100_000_000;

    public const string MetadataName = "__metadata__";

    private SafeTensorsHeader(IReadOnlyList<SafeTensorsEntry> entries, IReadOnlyDictionary<string, string> metadata)
    {
        Entries = entries;
        Metadata = metadata;
    }

    /// <summary>The tensors in order of their bytes.</summary>
    public IReadOnlyList<SafeTensorsEntry> Entries { get; }

    public IReadOnlyDictionary<string, string> Metadata { get; }

    /// <summary>Parses and checks a header.</summary>
    /// <param name="json">The header's bytes.</param>
    /// <param name="dataBytes">How many bytes follow it.</param>
    /// <param name="location">The file, for messages.</param>
    public static SafeTensorsHeader Parse(ReadOnlyMemory<byte> json, long dataBytes, string location)
    {
        if (json.IsEmpty || json.Span[0] != (byte)'{') throw Broken(location, "the header does not begin with '{'");
        if (!Utf8.IsValid(json.Span)) throw Broken(location, "the header is not UTF-8");
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Parse(document.RootElement, dataBytes, location);
        }
        catch (JsonException broken)
        {
            throw Broken(location, $"the header is not JSON ({broken.Message})", broken);
        }
        catch (InvalidOperationException broken)   // System.Text.Json's answer to an escaped lone surrogate
        {
            throw Broken(location, "the header holds a string that is not Unicode text", broken);
        }
    }

    private static SafeTensorsHeader Parse(JsonElement root, long dataBytes, string location)
    {
        var entries = new List<SafeTensorsEntry>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        IReadOnlyDictionary<string, string> metadata = new Dictionary<string, string>();
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (!names.Add(property.Name)) throw Broken(location, $"the name '{property.Name}' occurs twice in the header");
            if (property.Name == MetadataName) metadata = ParseMetadata(property.Value, location);
            else entries.Add(ParseEntry(property.Name, property.Value, dataBytes, location));
        }
        CheckCover(entries, dataBytes, location);
        return new SafeTensorsHeader(entries, metadata);
    }

    private static Dictionary<string, string> ParseMetadata(JsonElement json, string location)
    {
        if (json.ValueKind != JsonValueKind.Object) throw Broken(location, $"{MetadataName} is not an object");
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (JsonProperty property in json.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.String) throw Broken(location, $"the value of '{property.Name}' in {MetadataName} is not a string");
            metadata[property.Name] = property.Value.GetString()!;
        }
        return metadata;
    }

    private static SafeTensorsEntry ParseEntry(string name, JsonElement json, long dataBytes, string location)
    {
        if (json.ValueKind != JsonValueKind.Object) throw Broken(location, name, "its entry is not an object");
        ScalarType elementType = ParseElementType(name, Field(name, json, "dtype", location), location);
        long[] shape = ParseNumbers(name, Field(name, json, "shape", location), "shape", location);
        long[] offsets = ParseNumbers(name, Field(name, json, "data_offsets", location), "data_offsets", location);
        if (offsets.Length != 2) throw Broken(location, name, $"data_offsets has {offsets.Length} numbers, not 2");
        (long begin, long end) = (offsets[0], offsets[1]);
        if (end < begin) throw Broken(location, name, $"its bytes end ({end}) before they begin ({begin})");
        if (end > dataBytes) throw Broken(location, name, $"its bytes end at {end}, but only {dataBytes} follow the header: the file is truncated or the offsets are wrong");
        long bytes = ElementTypes.CheckedBytes(shape, elementType) ?? throw Broken(location, name, $"the shape [{string.Join(", ", shape)}] has more elements than 64 bits can count");
        if (bytes != end - begin) throw Broken(location, name, $"the shape [{string.Join(", ", shape)}] of {elementType} takes {bytes} bytes, the offsets hold {end - begin}");
        return new SafeTensorsEntry(name, elementType, shape, begin, end);
    }

    private static JsonElement Field(string name, JsonElement entry, string field, string location)
    {
        JsonElement? found = null;
        foreach (JsonProperty property in entry.EnumerateObject())
        {
            if (property.Name != field) continue;
            if (found is not null) throw Broken(location, name, $"'{field}' occurs twice");
            found = property.Value;
        }
        return found ?? throw Broken(location, name, $"it has no '{field}'");
    }

    private static ScalarType ParseElementType(string name, JsonElement json, string location)
    {
        if (json.ValueKind != JsonValueKind.String) throw Broken(location, name, "its dtype is not a string");
        string dtype = json.GetString()!;
        return ElementTypes.TryParse(dtype, out ScalarType elementType) ? elementType
            : throw Broken(location, name, $"its dtype '{dtype}' is not known; known are {ElementTypes.Names}");
    }

    private static long[] ParseNumbers(string name, JsonElement json, string field, string location)
    {
        if (json.ValueKind != JsonValueKind.Array) throw Broken(location, name, $"its {field} is not an array");
        var numbers = new long[json.GetArrayLength()];
        int i = 0;
        foreach (JsonElement number in json.EnumerateArray())
        {
            if (number.ValueKind != JsonValueKind.Number || !number.TryGetInt64(out numbers[i]) || numbers[i] < 0)
                throw Broken(location, name, $"its {field} holds {number.GetRawText()}, which is not a whole number from 0 to 2^63 - 1");
            i++;
        }
        return numbers;
    }

    /// <summary>The tensors must cover the data without a gap or an overlap.</summary>
    private static void CheckCover(List<SafeTensorsEntry> entries, long dataBytes, string location)
    {
        entries.Sort((a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long covered = 0;
        string before = "the header";
        foreach (SafeTensorsEntry entry in entries)
        {
            if (entry.Begin < covered) throw Broken(location, entry.Name, $"its bytes begin at {entry.Begin}, inside {before}, which ends at {covered}");
            if (entry.Begin > covered) throw Broken(location, entry.Name, $"its bytes begin at {entry.Begin}, but {before} ends at {covered}: the bytes between belong to no tensor");
            covered = entry.End;
            before = $"tensor '{entry.Name}'";
        }
        if (covered != dataBytes) throw Broken(location, $"{dataBytes - covered} bytes follow {before}, which ends at {covered}, and belong to no tensor");
    }

    private static InvalidDataException Broken(string location, string tensor, string why) => new($"'{location}': tensor '{tensor}': {why}.");

    private static InvalidDataException Broken(string location, string why, Exception? inner = null) => new($"'{location}' is not a sound safetensors file: {why}.", inner);
}

/// <summary>A tensor of a safetensors file: bytes <paramref name="Begin"/> to <paramref name="End"/> of the data behind the header.</summary>
internal readonly record struct SafeTensorsEntry(string Name, ScalarType ElementType, long[] Shape, long Begin, long End);
