using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>A <c>*.index.json</c>: which shard of a folder holds which tensor.</summary>
internal sealed class ShardIndex
{
    private ShardIndex(string path, IReadOnlyDictionary<string, string> files)
    {
        Path = path;
        Files = files;
    }

    public string Path { get; }

    /// <summary>Tensor name → file name, both checked; files lie beside the index.</summary>
    public IReadOnlyDictionary<string, string> Files { get; }

    /// <exception cref="InvalidDataException">The index is not JSON, or names a file outside its folder.</exception>
    public static ShardIndex Read(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
                throw new InvalidDataException($"'{path}' has no object 'weight_map'.");
            var files = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (JsonProperty entry in map.EnumerateObject())
            {
                string file = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : throw new InvalidDataException($"'{path}': the file of tensor '{entry.Name}' is not a string.");
                if (!IsPlainName(file)) throw new InvalidDataException($"'{path}': tensor '{entry.Name}' is said to lie in '{file}'; a shard must be a plain file name beside the index.");
                if (!files.TryAdd(entry.Name, file)) throw new InvalidDataException($"'{path}': tensor '{entry.Name}' occurs twice.");
            }
            return new ShardIndex(path, files);
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}' is not a sound index of shards: {broken.Message}", broken);
        }
    }

    /// <summary>Writes an index beside its shards.</summary>
    public static void Write(Stream stream, IEnumerable<KeyValuePair<string, string>> files, long totalBytes)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteStartObject("metadata");
        json.WriteNumber("total_size", totalBytes);
        json.WriteEndObject();
        json.WriteStartObject("weight_map");
        foreach ((string tensor, string file) in files.OrderBy(f => f.Key, StringComparer.Ordinal)) json.WriteString(tensor, file);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static bool IsPlainName(string file) => file.Length > 0 && file is not ("." or "..") && file.IndexOfAny(['/', '\\', ':', '\0']) < 0;
}
