using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FineTune;

/// <summary><c>run.json</c>: what a run was asked for, and how far it is. It is the first file of a run and the last.</summary>
internal sealed record RunFile
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter() },
    };

    public required RunSettings Settings { get; init; }

    public DateTimeOffset Started { get; init; } = DateTimeOffset.UtcNow;

    /// <summary>Whether the model is there.</summary>
    public bool Finished { get; init; }

    public DateTimeOffset? Ended { get; init; }

    /// <summary>SHA-256 of the files of weights.</summary>
    public IReadOnlyDictionary<string, string>? Weights { get; init; }

    /// <exception cref="InvalidDataException">The file is no run.</exception>
    public static RunFile Read(OutputFolder output)
    {
        try
        {
            return JsonSerializer.Deserialize<RunFile>(File.ReadAllBytes(output.RunFile), Json) ?? throw new InvalidDataException($"'{output.RunFile}' is empty.");
        }
        catch (JsonException failure)
        {
            throw new InvalidDataException($"'{output.RunFile}' is no record of a run: {failure.Message}", failure);
        }
    }

    /// <summary>Puts the file into place whole: a kill leaves the old one or the new one.</summary>
    public void Write(OutputFolder output)
    {
        Directory.CreateDirectory(output.Path);
        string temporary = output.RunFile + ".writing";
        using (FileStream stream = File.Create(temporary))
        {
            JsonSerializer.Serialize(stream, this, Json);
            stream.Flush(flushToDisk: true);
        }

        File.Move(temporary, output.RunFile, overwrite: true);
    }
}
