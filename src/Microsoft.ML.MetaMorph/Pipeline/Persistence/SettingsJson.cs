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
    };

    public static void Write<T>(ModelZipWriter zip, T settings) => zip.Write(FileName, JsonSerializer.Serialize(settings, Options));

    /// <exception cref="InvalidDataException">The file is missing or not what was saved.</exception>
    public static T Read<T>(ModelZipReader zip)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(zip.ReadText(FileName), Options) ?? throw new JsonException("It holds null.");
        }
        catch (JsonException failure)
        {
            throw zip.Broken(FileName, failure);
        }
    }
}
