using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Reads the entries of a published configuration, and writes what all begin with; a null counts as absent. Every error names the key, what was
/// found and what was expected; whoever opens the file adds its name (<see cref="JsonFile"/>).
/// </summary>
internal static class ConfigJson
{
    /// <summary>Longer values are cut in messages.</summary>
    private const int ShownCharacters = 80;

    private const string WholeNumber = "a whole number", PositiveNumber = "a whole number above zero";

    /// <exception cref="InvalidDataException">The configuration is no object.</exception>
    public static bool TryGet(JsonElement config, string key, out JsonElement value)
    {
        if (config.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"{Found(config)} stands where a JSON object with '{key}' is expected.");
        return config.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>A configuration within the configuration; null where it is absent.</summary>
    public static JsonElement? Section(JsonElement config, string key)
    {
        if (!TryGet(config, key, out JsonElement value)) return null;
        return value.ValueKind == JsonValueKind.Object ? value : throw Wrong(key, value, "an object");
    }

    public static string? Text(JsonElement config, string key)
    {
        if (!TryGet(config, key, out JsonElement value)) return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong(key, value, "a text");
    }

    public static bool Flag(JsonElement config, string key, bool absent)
    {
        if (!TryGet(config, key, out JsonElement value)) return absent;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong(key, value, "true or false");
    }

    public static double Number(JsonElement config, string key, double? absent = null)
    {
        if (!TryGet(config, key, out JsonElement value)) return absent ?? throw Missing(key, "a number");
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : throw Wrong(key, value, "a number");
    }

    public static int Integer(JsonElement config, string key, int? absent = null)
        => OptionalInteger(config, key) ?? absent ?? throw Missing(key, WholeNumber);

    public static int? OptionalInteger(JsonElement config, string key)
    {
        if (!TryGet(config, key, out JsonElement value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Wrong(key, value, WholeNumber);
    }

    /// <summary>A size: a whole number above zero.</summary>
    public static int Size(JsonElement config, string key, int? absent = null)
    {
        if (!TryGet(config, key, out JsonElement value)) return absent ?? throw Missing(key, PositiveNumber);
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int size) && size > 0 ? size : throw Wrong(key, value, PositiveNumber);
    }

    /// <summary>A number, a list of numbers, or nothing.</summary>
    public static int[] Integers(JsonElement config, string key)
    {
        if (!TryGet(config, key, out JsonElement value)) return [];
        if (value.ValueKind != JsonValueKind.Array) return [Integer(config, key)];
        return [.. value.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int number) ? number : throw Wrong(key, value, "a list of whole numbers"))];
    }

    /// <summary>Writes what a published configuration begins with into the object that is open: the class of the model, where one is named, and its type.</summary>
    public static void WriteModel(Utf8JsonWriter writer, string? architecture, string modelType)
    {
        if (architecture is not null)
        {
            writer.WriteStartArray("architectures");
            writer.WriteStringValue(architecture);
            writer.WriteEndArray();
        }
        writer.WriteString("model_type", modelType);
    }

    private static InvalidDataException Missing(string key, string expected) => new($"'{key}' is missing; it must be {expected}.");

    private static InvalidDataException Wrong(string key, JsonElement value, string expected) => new($"'{key}' is {Found(value)}; it must be {expected}.");

    private static string Found(JsonElement value)
    {
        string text = value.GetRawText();
        return text.Length <= ShownCharacters ? text : text[..ShownCharacters] + "…";
    }
}
