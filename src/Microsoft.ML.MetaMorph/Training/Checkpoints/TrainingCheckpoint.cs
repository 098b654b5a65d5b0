using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a checkpoint says beside its tensors: a small, readable file.</summary>
internal sealed partial record TrainingCheckpoint
{
    /// <summary>The version of the layout that this library writes and reads.</summary>
    public const int PresentVersion = 1;

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter() },
        WriteIndented = true,
    };

    // In the place of the file's own checksum while it is computed, as in a tar header.
    private const string NoChecksum = "00000000";

    public int Version { get; init; } = PresentVersion;

    /// <summary>The checksum of this file, with <see cref="NoChecksum"/> in its place; eight hexadecimal digits. Null where an earlier build wrote none.</summary>
    [JsonPropertyName("header_crc32c")]
    public string? HeaderChecksum { get; init; }

    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Pictures taken, or positions computed, so far.</summary>
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

    /// <summary>What is known of the loss on validation rows; null where nobody watches it.</summary>
    public ValidationWatchState? Watch { get; init; }

    /// <summary>The length of the file of tensors.</summary>
    public required long StateBytes { get; init; }

    /// <summary>The checksum of the file of tensors; null where an earlier build wrote none.</summary>
    [JsonPropertyName("state_crc32c")]
    public uint? StateChecksum { get; init; }

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
    /// <exception cref="InvalidDataException">It is not JSON, a value is missing, or it is not what was written.</exception>
    /// <exception cref="NotSupportedException">A newer library wrote it.</exception>
    public static TrainingCheckpoint Read(string path) => JsonFile.ReadText(path, text =>
    {
        TrainingCheckpoint read = JsonSerializer.Deserialize<TrainingCheckpoint>(text, Json) ?? throw new InvalidDataException("it holds null.");
        RequireSound(text, read.HeaderChecksum);
        return read.Version == PresentVersion ? read : throw new NotSupportedException($"the checkpoint is of version {read.Version}; this library reads version {PresentVersion}. Go on with the library that wrote it, or give another CheckpointFolder.");
    });

    /// <summary>Writes the file.</summary>
    public void Write(Stream stream)
    {
        string text = JsonSerializer.Serialize(this with { HeaderChecksum = NoChecksum }, Json);
        stream.Write(Encoding.UTF8.GetBytes(OwnChecksum().Replace(text, ChecksumOf(text), count: 1)));
    }

    // Damage that leaves the file readable would be taken for other options, or for a newer layout.
    private static void RequireSound(string text, string? written)
    {
        if (written is null) return;
        string found = ChecksumOf(OwnChecksum().Replace(text, NoChecksum, count: 1));
        if (found != written) throw new InvalidDataException($"it has the checksum {found}, {written} was written.");
    }

    private static string ChecksumOf(string text) => Crc32C.Update(0, Encoding.UTF8.GetBytes(text)).ToString("x8", System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex("(?<=\"header_crc32c\": \")[0-9a-f]{8}(?=\")", RegexOptions.CultureInvariant)]
    private static partial Regex OwnChecksum();
}
