using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a validation found, as data.</summary>
public sealed record DataReport
{
    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>Rows that can be used.</summary>
    public long Rows { get; init; }

    /// <summary>Findings that are errors; a row has one at most.</summary>
    public long Errors { get; init; }

    /// <summary>Findings that are warnings.</summary>
    public long Warnings { get; init; }

    /// <summary>Turns of the rows that can be used.</summary>
    public long Turns { get; init; }

    /// <summary>Pictures of prompts.</summary>
    public long PromptImages { get; init; }

    /// <summary>Pictures of responses.</summary>
    public long ResponseImages { get; init; }

    /// <summary>Text tokens; null without a tokenizer.</summary>
    public long? TextTokens { get; init; }

    /// <summary>Text tokens that are learned; null without a tokenizer.</summary>
    public long? SupervisedTokens { get; init; }

    /// <summary>What <see cref="Lengths"/> counts: <c>positions</c> (text tokens, and those of pictures), or <c>characters</c> without a tokenizer.</summary>
    public string LengthUnit { get; init; } = "characters";

    /// <summary>The longest row.</summary>
    public long LongestRow { get; init; }

    /// <summary>Rows by length, in bins that double; those between the first and the last may be empty.</summary>
    public IReadOnlyList<LengthBin> Lengths { get; init; } = [];

    /// <summary>Rows by kind: what the data say, else <c>TextOnly</c>, <c>ReadsImages</c>, <c>DrawsImages</c> or <c>ReadsAndDrawsImages</c>.</summary>
    public IReadOnlyDictionary<string, long> Kinds { get; init; } = new Dictionary<string, long>();

    /// <summary>Findings by kind.</summary>
    public IReadOnlyDictionary<DataFindingKind, long> FindingsByKind { get; init; } = new Dictionary<DataFindingKind, long>();

    /// <summary>The files, in the order in which they were first read.</summary>
    public IReadOnlyList<DataFileReport> Files { get; init; } = [];

    /// <summary>The findings, in the order of the rows; the first ones where there are more than <see cref="DataValidationOptions.MaximumFindings"/>.</summary>
    public IReadOnlyList<DataFinding> Findings { get; init; } = [];

    /// <summary>Whether every row can be used.</summary>
    public bool IsUsable => Errors == 0;

    /// <summary>The report as JSON.</summary>
    /// <returns>An indented object; names begin with small letters.</returns>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Writes the report as JSON.</summary>
    /// <param name="stream">Where to; it stays open.</param>
    public void WriteJson(Stream stream) => JsonSerializer.Serialize(stream, this, Json);

    /// <summary>The report as plain text.</summary>
    /// <returns>Totals, kinds, lengths, files and findings.</returns>
    public string ToText() => DataReportText.Of(this);
}

/// <summary>Rows whose length lies between two numbers.</summary>
/// <param name="From">The shortest.</param>
/// <param name="To">The longest.</param>
/// <param name="Rows">How many.</param>
public sealed record LengthBin(long From, long To, long Rows);

/// <summary>What was found in one file.</summary>
/// <param name="File">The file.</param>
/// <param name="Rows">Rows that can be used.</param>
/// <param name="Errors">Findings that are errors.</param>
/// <param name="Warnings">Findings that are warnings.</param>
public sealed record DataFileReport(string File, long Rows, long Errors, long Warnings);
