using System.Text.Json.Serialization;
using static Microsoft.ML.MetaMorph.SettingsJson;

namespace Microsoft.ML.MetaMorph;

/// <summary>What is saved of an <see cref="EncodeImagesTransformer"/> beside the encoder.</summary>
/// <param name="OutputColumnName">The column that is appended.</param>
/// <param name="InputColumnNames">The columns of pictures.</param>
/// <param name="ImageFolder">Where relative paths start.</param>
/// <param name="BatchSize">Rows that are read ahead.</param>
/// <param name="Precision">The encoder's, in the zip.</param>
/// <param name="TrainedIn">The encoder's, in the zip.</param>
/// <param name="ComputedIn">What <paramref name="Precision"/> meant on the machine that saved the zip, for people who look into it; the machine that opens it decides anew.</param>
/// <param name="ErrorColumnName">The column of what made a row's pictures unreadable; null where such a row throws.</param>
internal sealed record EncodeImagesSettings(
    string OutputColumnName,
    string[] InputColumnNames,
    string? ImageFolder,
    int BatchSize,
    Precision Precision = Precision.Auto,
    string? TrainedIn = null,
    string? ComputedIn = null,
    string? ErrorColumnName = null) : ISavedSettings
{
    /// <summary>Where it is told how many pictures each column gave; null where there is one column only.</summary>
    [JsonIgnore]
    public string? CountsColumnName => InputColumnNames.Length > 1 ? PictureCounts.NameFor(OutputColumnName) : null;

    public void Validate()
    {
        CheckColumn(nameof(OutputColumnName), OutputColumnName);
        Check(nameof(InputColumnNames), InputColumnNames is null ? null : "empty", InputColumnNames is { Length: > 0 }, "a list of at least one column of pictures");
        foreach (string input in InputColumnNames!) CheckColumn(nameof(InputColumnNames), input);
        CheckColumn(nameof(ErrorColumnName), ErrorColumnName, optional: true);
        RequireUnlikeOutputs();
        Check(nameof(BatchSize), BatchSize, BatchSizes.IsValid(BatchSize), BatchSizes.Range);
        Check(nameof(Precision), Precision);
    }

    /// <summary>Checks that no two columns are appended under one name.</summary>
    /// <exception cref="ArgumentException">Two are; the name is told.</exception>
    public void RequireUnlikeOutputs()
    {
        if (ErrorColumnName is { } error && (error == OutputColumnName || error == CountsColumnName)) throw new ArgumentException($"Two columns would be appended as '{error}'.");
    }
}
