using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Values for templates from JSON and from .NET.</summary>
internal static class JinjaValue
{
    public static object? From(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number => json.TryGetInt64(out long number) && !IsFraction(json) ? number : (object)json.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Array => json.EnumerateArray().Select(From).ToList(),
        JsonValueKind.Object => From(json.EnumerateObject().Select(p => (p.Name, From(p.Value)))),
        _ => null,
    };

    public static JinjaDictionary From(IEnumerable<(string Name, object? Value)> entries)
    {
        var dictionary = new JinjaDictionary();
        foreach ((string name, object? value) in entries) dictionary[name] = value;
        return dictionary;
    }

    /// <summary>What a caller passes to a template.</summary>
    /// <exception cref="ArgumentException">The value is of a type that templates do not know.</exception>
    public static object? From(object? value) => value switch
    {
        null or bool or long or double or string or JinjaDictionary or List<object?> => value,
        int or short or byte => Convert.ToInt64(value, null),
        float number => (double)number,
        JsonElement json => From(json),
        IEnumerable<KeyValuePair<string, object?>> entries => From(entries.Select(e => (e.Key, From(e.Value)))),
        System.Collections.IEnumerable items => items.Cast<object?>().Select(From).ToList(),
        _ => throw new ArgumentException($"A template variable cannot be a {value.GetType()}; texts, numbers, flags, lists and dictionaries can.", nameof(value)),
    };

    // 1.0 is a float in Python though it is whole
    private static bool IsFraction(JsonElement json) => json.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') >= 0;
}
