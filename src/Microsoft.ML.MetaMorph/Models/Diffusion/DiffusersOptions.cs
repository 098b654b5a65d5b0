using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Refuses, by name, the options of a published diffusion configuration that would change the result and are not computed here.</summary>
internal static class DiffusersOptions
{
    /// <summary>Goes through every entry of a configuration.</summary>
    /// <param name="json">The configuration; entries that begin with an underscore say where it comes from and are passed over, and so is a null.</param>
    /// <param name="className">The published class, which <c>_class_name</c> must be where it is said.</param>
    /// <param name="computed">Options that are read.</param>
    /// <param name="neutral">Options of which only these values are computed.</param>
    /// <exception cref="NotSupportedException">An option is unknown, or has another value than those computed.</exception>
    /// <exception cref="InvalidDataException">It is the configuration of another class, or no object.</exception>
    public static void Check(JsonElement json, string className, IReadOnlySet<string> computed, IReadOnlyDictionary<string, string[]> neutral)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"config.json: the configuration of a {className} must be an object.");
        if (ConfigJson.Text(json, "_class_name") is { } name && name != className) throw new InvalidDataException($"config.json: _class_name is \"{name}\"; {className} is needed.");
        foreach (JsonProperty option in json.EnumerateObject())
        {
            if (option.Name.StartsWith('_') || computed.Contains(option.Name) || option.Value.ValueKind == JsonValueKind.Null) continue;
            if (neutral.TryGetValue(option.Name, out string[]? values))
            {
                if (!values.Any(v => AreEqual(v, option.Value)))
                    throw new NotSupportedException($"config.json: {className} with {option.Name} = {option.Value.GetRawText()} is not supported. Supported: {string.Join(", ", values)}.");
            }
            else
            {
                throw new NotSupportedException($"config.json: {className} has no option '{option.Name}' (= {option.Value.GetRawText()}) that this library knows; it may change the result.");
            }
        }
        if (ConfigJson.Text(json, "_class_name") is null && !json.EnumerateObject().Any(option => computed.Contains(option.Name)))
            throw new InvalidDataException($"config.json: '_class_name' is missing, and so is every option of a {className}; it must be \"{className}\".");
    }

    /// <summary>A list of texts.</summary>
    public static string[] Texts(JsonElement json, string key, string[] absent)
    {
        if (!ConfigJson.TryGet(json, key, out JsonElement value)) return absent;
        return value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(e => e.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(e => e.GetString()!)]
            : throw new InvalidDataException($"config.json: '{key}' is {value.GetRawText()}; it must be a list of texts.");
    }

    /// <summary>One number for every block: a number for all of them, or a list of <paramref name="count"/>.</summary>
    /// <exception cref="InvalidDataException">The list has another length, or a number is not above zero.</exception>
    public static int[] PerBlock(JsonElement json, string key, int count, int absent)
    {
        int[] values = ConfigJson.Integers(json, key);
        if (values.Length == 0) values = [absent];
        bool isList = ConfigJson.TryGet(json, key, out JsonElement value) && value.ValueKind == JsonValueKind.Array;
        if (isList && values.Length != count) throw new InvalidDataException($"config.json: '{key}' has {values.Length} entries for {count} blocks.");
        if (values.Any(v => v < 1)) throw new InvalidDataException($"config.json: '{key}' is {value.GetRawText()}; it must be above zero.");
        return isList ? values : [.. Enumerable.Repeat(values[0], count)];
    }

    /// <summary>Writes one number where all are equal, a list otherwise.</summary>
    public static void WritePerBlock(Utf8JsonWriter writer, string key, int[] values)
    {
        if (values.Distinct().Count() == 1) writer.WriteNumber(key, values[0]);
        else WriteList(writer, key, values);
    }

    public static void WriteList(Utf8JsonWriter writer, string key, IEnumerable<int> values)
    {
        writer.WriteStartArray(key);
        foreach (int value in values) writer.WriteNumberValue(value);
        writer.WriteEndArray();
    }

    public static void WriteList(Utf8JsonWriter writer, string key, IEnumerable<string> values)
    {
        writer.WriteStartArray(key);
        foreach (string value in values) writer.WriteStringValue(value);
        writer.WriteEndArray();
    }

    /// <summary>Writes nothing, one number, or height and width.</summary>
    public static void WriteSize(Utf8JsonWriter writer, string key, int[] size)
    {
        if (size.Length == 0) writer.WriteNull(key);
        else if (size.Length == 1) writer.WriteNumber(key, size[0]);
        else WriteList(writer, key, size);
    }

    private static bool AreEqual(string supported, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String) return supported == value.GetString();
        using JsonDocument parsed = JsonDocument.Parse(IsLiteral(supported) ? supported : "\"\"");
        JsonElement wanted = parsed.RootElement;
        return wanted.ValueKind == JsonValueKind.Number && value.ValueKind == JsonValueKind.Number ? wanted.GetDouble() == value.GetDouble() : wanted.ValueKind == value.ValueKind && wanted.ValueKind != JsonValueKind.String;
    }

    private static bool IsLiteral(string text) => text is "null" or "true" or "false" || double.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out _);
}
