using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a transformer's settings look like in the zip: a small, readable file beside the model's.</summary>
internal static class SettingsJson
{
    /// <summary>The file's name.</summary>
    public const string FileName = "metamorph.json";

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        RespectRequiredConstructorParameters = true,
    };

    public static void Write<T>(ModelZipWriter zip, T settings) => zip.Write(FileName, JsonSerializer.Serialize(settings, Options));

    /// <exception cref="InvalidDataException">The file is missing, no JSON, or holds a value out of range; zip, file and value are named.</exception>
    public static T Read<T>(ModelZipReader zip)
        where T : class, ISavedSettings
    {
        try
        {
            T settings = JsonSerializer.Deserialize<T>(zip.ReadText(FileName), Options) ?? throw new JsonException("It holds null.");
            settings.Validate();
            return settings;
        }
        // The options of generation check themselves where they are set.
        catch (ArgumentException failure) when (failure.ParamName is { Length: > 0 } option)
        {
            throw zip.Broken(FileName, new ArgumentException(InWordsOfTheFile(failure.Message, option), failure));
        }
        catch (Exception failure) when (failure is JsonException or ArgumentException)
        {
            throw zip.Broken(FileName, failure);
        }
    }

    // In code the option has another name than in the file.
    private static string InWordsOfTheFile(string message, string option)
        => message.Replace($" (Parameter '{option}')", "").Replace(option, JsonNamingPolicy.SnakeCaseLower.ConvertName(option));

    /// <summary>Refuses a value of the file.</summary>
    /// <param name="property">The property's name; the message has it as the file does.</param>
    /// <param name="value">The value.</param>
    /// <param name="isValid">Whether it can be used.</param>
    /// <param name="range">What can be used.</param>
    /// <exception cref="ArgumentException">The value is not valid.</exception>
    public static void Check(string property, object? value, bool isValid, string range)
    {
        if (!isValid) throw new ArgumentException(FormattableString.Invariant($"{JsonNamingPolicy.SnakeCaseLower.ConvertName(property)} is {value ?? "null"}; it must be {range}."));
    }

    /// <summary>Refuses the name of a column.</summary>
    /// <exception cref="ArgumentException">It is empty.</exception>
    public static void CheckColumn(string property, string? name, bool optional = false)
        => Check(property, name is null ? null : $"'{name}'", name is null ? optional : name.Length > 0, optional ? "the name of a column, or null" : "the name of a column");

    /// <summary>Refuses a number that an enumeration does not name.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    public static void Check<T>(string property, T value)
        where T : struct, Enum
        => Check(property, value.ToString("D"), Enum.IsDefined(value), string.Join(", ", Enum.GetValues<T>().Select(known => $"{known:D} ({known})")));
}
