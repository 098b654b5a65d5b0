using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Which keys a published configuration has. What it lacks has the default of its published class, and a message that shows such a value says so:
/// nobody finds it in the file. For messages alone: configurations that differ in nothing else are equal.
/// </summary>
internal sealed class ConfigKeys : IEquatable<ConfigKeys>
{
    private const string Default = "the published default: the key is absent";

    private readonly HashSet<string>? _present;

    private ConfigKeys(HashSet<string>? present) => _present = present;

    /// <summary>Of a configuration that was made in code: every value was chosen.</summary>
    public static ConfigKeys All { get; } = new(null);

    /// <summary>Of a configuration that is not written down at all.</summary>
    public static ConfigKeys None { get; } = new([]);

    /// <summary>Those of a file; a null counts as absent.</summary>
    public static ConfigKeys Of(JsonElement config) => new([.. config.EnumerateObject().Where(entry => entry.Value.ValueKind != JsonValueKind.Null).Select(entry => entry.Name)]);

    /// <summary>To stand behind a value: nothing where the file has it.</summary>
    public string Note(string key) => IsAbsent(key) ? $" ({Default})" : "";

    /// <summary>The key, to stand in brackets behind a value.</summary>
    public string Named(string key) => IsAbsent(key) ? $"{key}, {Default}" : key;

    /// <summary>A sentence with the sizes that a file leaves to its published class, for an error that shows what follows from them; empty where it gives all.</summary>
    public string Sentence(string file, params (string Key, object Value)[] sizes)
    {
        string[] absent = [.. sizes.Where(size => IsAbsent(size.Key)).Select(size => FormattableString.Invariant($"{size.Key} = {size.Value}"))];
        return absent.Length == 0 ? "" : $" {file} lacks these keys, which have their published defaults: {string.Join(", ", absent)}.";
    }

    public bool Equals(ConfigKeys? other) => other is not null;

    public override bool Equals(object? obj) => obj is ConfigKeys;

    public override int GetHashCode() => 0;

    private bool IsAbsent(string key) => _present?.Contains(key) == false;
}
