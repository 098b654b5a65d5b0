using System.Text.Json;
using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a checkpoint says beside its tensors: a small, readable file.</summary>
internal sealed record TrainingCheckpoint
{
    /// <summary>The version of the layout that this library writes and reads.</summary>
    public const int PresentVersion = 1;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter() },
        WriteIndented = true,
    };

    public int Version { get; init; } = PresentVersion;

    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Rows (or pictures) taken so far.</summary>
    public required long Items { get; init; }

    /// <summary>Where their stream goes on.</summary>
    public required StreamPlace Next { get; init; }

    /// <summary>Seconds of training so far, of all runs together.</summary>
    public required double ElapsedSeconds { get; init; }

    /// <summary>In which element type layers were computed.</summary>
    public required ScalarType ComputeType { get; init; }

    /// <summary>Why.</summary>
    public required string ComputeReason { get; init; }

    /// <summary>How the training ended; null where it did not.</summary>
    public TrainingEnd? End { get; init; }

    /// <summary>The length of the file of tensors.</summary>
    public required long StateBytes { get; init; }

    /// <summary>What has to be the same where it goes on.</summary>
    public required IReadOnlyDictionary<string, string> Options { get; init; }

    /// <summary>The name of the checkpoint's folder.</summary>
    [JsonIgnore]
    public string Name => NameOf(Step, End is not null);

    [JsonIgnore]
    public PrecisionChoice Precision => new(ComputeType, ComputeReason);

    /// <summary>The name of a checkpoint's folder.</summary>
    public static string NameOf(long step, bool finished) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{(finished ? "finished" : "step")}-{step:D8}");

    /// <summary>Reads the file.</summary>
    /// <exception cref="InvalidDataException">It is not JSON, or a value is missing.</exception>
    /// <exception cref="NotSupportedException">A newer library wrote it.</exception>
    public static TrainingCheckpoint Read(string path) => JsonFile.ReadText(path, text =>
    {
        TrainingCheckpoint read = JsonSerializer.Deserialize<TrainingCheckpoint>(text, Json) ?? throw new InvalidDataException("it holds null.");
        return read.Version == PresentVersion ? read : throw new NotSupportedException($"the checkpoint is of version {read.Version}; this library reads version {PresentVersion}. Go on with the library that wrote it, or give another CheckpointFolder.");
    });

    /// <summary>Writes the file.</summary>
    public void Write(Stream stream) => JsonSerializer.Serialize(stream, this, Json);
}
