using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using TorchSharp;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a run was: enough to make it again, and to tell two of them apart.</summary>
internal sealed record RunRecord
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new JsonStringEnumConverter() },
        WriteIndented = true,
    };

    /// <summary>Which libraries, and which machine.</summary>
    public IReadOnlyDictionary<string, string> Versions { get; init; } = new Dictionary<string, string>
    {
        ["Microsoft.ML.MetaMorph"] = VersionOf(typeof(RunRecord)),
        ["Microsoft.ML"] = VersionOf(typeof(MLContext)),
        ["TorchSharp"] = VersionOf(typeof(torch)),
        ["libtorch"] = torch.__version__,
        [".NET"] = Environment.Version.ToString(),
        ["system"] = RuntimeInformation.RuntimeIdentifier,
    };

    /// <summary>Threads that compute; as many are needed where the same bits are wanted.</summary>
    public int Threads { get; init; } = torch.get_num_threads();

    /// <summary>When this run began, which may have gone on from an earlier one.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When this was written.</summary>
    public DateTimeOffset Written { get; init; } = DateTimeOffset.UtcNow;

    /// <summary>In which element type was computed, and why.</summary>
    public required string Precision { get; init; }

    /// <summary>The step from which a checkpoint was gone on; 0: from the beginning.</summary>
    public required long ResumedFrom { get; init; }

    /// <summary>Options (the seed among them), columns, rows, start: all that has to be the same where a training is to be the same.</summary>
    public required IReadOnlyDictionary<string, string> Options { get; init; }

    /// <summary>How it ended; null while it runs, and where something else ended it.</summary>
    public TrainingEnd? End { get; init; }

    /// <summary>Steps done, of all runs together.</summary>
    public long Steps { get; init; }

    /// <summary>Seconds of training, of all runs together.</summary>
    public double ElapsedSeconds { get; init; }

    /// <summary>The last losses and validation figures, by name.</summary>
    public IReadOnlyDictionary<string, double> Figures { get; init; } = new Dictionary<string, double>();

    /// <summary>The file.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    private static string VersionOf(Type type) => type.Assembly.GetName().Version?.ToString() ?? "unknown";
}
