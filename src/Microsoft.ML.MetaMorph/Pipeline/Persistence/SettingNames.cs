using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What settings are called where they were set: options in code, or entries of the file in a model zip. Both are checked by the same
/// <c>Validate</c>; only the names in its messages differ.
/// </summary>
internal sealed class SettingNames
{
    private readonly Func<string, string> _name;

    private SettingNames(Func<string, string> name) => _name = name;

    /// <summary>As <see cref="SettingsJson"/> writes them.</summary>
    public static SettingNames File { get; } = new(JsonNamingPolicy.SnakeCaseLower.ConvertName);

    /// <summary>The options' own names.</summary>
    /// <param name="renamed">Settings whose option is called otherwise.</param>
    public static SettingNames Options(params (string Setting, string Option)[] renamed)
        => new(setting => renamed.FirstOrDefault(pair => pair.Setting == setting).Option ?? setting);

    /// <summary>The name of a setting.</summary>
    public string this[string setting] => _name(setting);

    /// <summary>Refuses a number that an enumeration does not name; the file has numbers, so there their meaning is told.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is none; name, value and possible values are told.</exception>
    public void RequireDefined<T>(string setting, T value)
        where T : struct, Enum
    {
        if (this != File) OptionRange.Check(this[setting], value);
        else if (!Enum.IsDefined(value)) throw new ArgumentOutOfRangeException(this[setting], $"{this[setting]} is {value:D}; it must be {string.Join(", ", Enum.GetValues<T>().Select(known => $"{known:D} ({known})"))}.");
    }
}
