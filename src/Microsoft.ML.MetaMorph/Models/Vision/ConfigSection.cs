using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>One object of a <c>config.json</c>: absent or null keys mean the default, anything unusable is named with its value.</summary>
internal readonly struct ConfigSection(JsonElement json)
{
    public string ModelType => Text("model_type", "");

    /// <summary>A positive whole number.</summary>
    /// <exception cref="InvalidDataException">The value is something else.</exception>
    public int Count(string key, int fallback)
    {
        if (Find(key) is not { } value) return fallback;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number > 0) return number;
        throw new InvalidDataException($"config.json: \"{key}\" is {value.GetRawText()}; a whole number from 1 to {int.MaxValue} is needed.");
    }

    /// <summary>A positive number.</summary>
    /// <exception cref="InvalidDataException">The value is something else.</exception>
    public double Number(string key, double fallback)
    {
        if (Find(key) is not { } value) return fallback;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number > 0 && double.IsFinite(number)) return number;
        throw new InvalidDataException($"config.json: \"{key}\" is {value.GetRawText()}; a positive number is needed.");
    }

    /// <exception cref="InvalidDataException">The value is no text.</exception>
    public string Text(string key, string fallback)
    {
        if (Find(key) is not { } value) return fallback;
        return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new InvalidDataException($"config.json: \"{key}\" is {value.GetRawText()}; a text is needed.");
    }

    /// <exception cref="InvalidDataException">The value is neither true nor false.</exception>
    public bool Flag(string key, bool fallback)
    {
        if (Find(key) is not { } value) return fallback;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw new InvalidDataException($"config.json: \"{key}\" is {value.GetRawText()}; true or false is needed.");
    }

    /// <summary>The object under <paramref name="key"/>, or null.</summary>
    /// <exception cref="InvalidDataException">There is something else under the key.</exception>
    public JsonElement? Section(string key)
    {
        if (Find(key) is not { } value) return null;
        return value.ValueKind == JsonValueKind.Object ? value : throw new InvalidDataException($"config.json: \"{key}\" is {value.GetRawText()}; an object is needed.");
    }

    private JsonElement? Find(string key)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new InvalidDataException($"config.json: an object is needed, found {json.ValueKind}.");
        return json.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }
}
