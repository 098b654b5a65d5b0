using System.Text.Json.Serialization;

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

    public void Validate() => Validate(SettingNames.File);

    /// <summary>Checks every value, for options and for the saved file alike.</summary>
    /// <exception cref="ArgumentException">A value is out of range; it is named as <paramref name="names"/> say.</exception>
    public void Validate(SettingNames names)
    {
        ColumnNames.Require(names[nameof(OutputColumnName)], OutputColumnName);
        if (InputColumnNames is not { Length: > 0 }) throw new ArgumentException($"{names[nameof(InputColumnNames)]} is {(InputColumnNames is null ? "null" : "empty")}; it must be a list of at least one column of pictures.");
        ColumnNames.RequireAll(names[nameof(InputColumnNames)], InputColumnNames);
        ColumnNames.RequireOptional(names[nameof(ErrorColumnName)], ErrorColumnName);
        ColumnNames.RequireUnlike(OutputColumnName, ErrorColumnName, CountsColumnName);
        BatchSizes.Require(BatchSize, names[nameof(BatchSize)]);
        names.RequireDefined(nameof(Precision), Precision);
        (string, string?)[] inputs = [.. InputColumnNames.Select((name, i) => (FormattableString.Invariant($"{names[nameof(InputColumnNames)]}[{i}]"), (string?)name))];
        // Tokens may take the place of the pictures that they are made of, as stock transforms replace their input; of several columns one alone would go.
        if (inputs.Length > 1) ColumnNames.RequireVisible(inputs, [(names[nameof(OutputColumnName)], OutputColumnName), ($"{names[nameof(OutputColumnName)]} with PictureCounts behind it", CountsColumnName)]);
        ColumnNames.RequireVisible(inputs, [(names[nameof(ErrorColumnName)], ErrorColumnName)]);
    }
}
