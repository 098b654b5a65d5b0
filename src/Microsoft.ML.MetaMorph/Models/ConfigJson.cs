using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Reads the entries of a published <c>config.json</c>; a null counts as absent, and every error names the key.</summary>
internal static class ConfigJson
{
    public static bool TryGet(JsonElement config, string key, out JsonElement value)
        => config.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;

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
        if (!TryGet(config, key, out JsonElement value)) return absent ?? throw Missing(key);
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && double.IsFinite(number) ? number : throw Wrong(key, value, "a number");
    }

    public static int Integer(JsonElement config, string key, int? absent = null)
        => OptionalInteger(config, key) ?? absent ?? throw Missing(key);

    public static int? OptionalInteger(JsonElement config, string key)
    {
        if (!TryGet(config, key, out JsonElement value)) return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) ? number : throw Wrong(key, value, "a whole number");
    }

    /// <summary>A size: a whole number above zero.</summary>
    public static int Size(JsonElement config, string key, int? absent = null)
    {
        int size = Integer(config, key, absent);
        return size > 0 ? size : throw new InvalidDataException($"config.json: '{key}' is {size}; it must be above zero.");
    }

    /// <summary>A number, a list of numbers, or nothing.</summary>
    public static int[] Integers(JsonElement config, string key)
    {
        if (!TryGet(config, key, out JsonElement value)) return [];
        if (value.ValueKind != JsonValueKind.Array) return [Integer(config, key)];
        return [.. value.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.Number && e.TryGetInt32(out int number) ? number : throw Wrong(key, value, "a list of whole numbers"))];
    }

    private static InvalidDataException Missing(string key) => new($"config.json lacks '{key}'.");

    private static InvalidDataException Wrong(string key, JsonElement value, string expected) => new($"config.json: '{key}' is {value.GetRawText()}; it must be {expected}.");
}
