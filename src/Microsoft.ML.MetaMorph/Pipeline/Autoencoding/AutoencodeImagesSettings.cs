namespace Microsoft.ML.MetaMorph;

/// <summary>What is saved of the transformer beside the autoencoder.</summary>
/// <param name="OutputColumnName">The column of pictures that is appended.</param>
/// <param name="ErrorColumnName">The column of errors that is appended; null for none.</param>
/// <param name="InputColumnName">The column of pictures that is read.</param>
/// <param name="ImageFolder">Where relative paths start.</param>
/// <param name="AspectRatio">What becomes of a picture that is not square.</param>
/// <param name="BatchSize">Rows that are read ahead.</param>
/// <param name="Precision">In which element type convolutions are computed.</param>
internal sealed record AutoencodeImagesSettings(
    string OutputColumnName,
    string? ErrorColumnName,
    string InputColumnName,
    string? ImageFolder,
    ImageAspectRatio AspectRatio,
    int BatchSize,
    Precision Precision = Precision.Auto) : ISavedSettings
{
    public void Validate() => Validate(SettingNames.File);

    /// <summary>Checks every value, for options and for the saved file alike.</summary>
    /// <exception cref="ArgumentException">A value is out of range; it is named as <paramref name="names"/> say.</exception>
    public void Validate(SettingNames names)
    {
        ColumnNames.Require(names[nameof(OutputColumnName)], OutputColumnName);
        ColumnNames.RequireOptional(names[nameof(ErrorColumnName)], ErrorColumnName);
        ColumnNames.Require(names[nameof(InputColumnName)], InputColumnName);
        ColumnNames.RequireUnlike(OutputColumnName, ErrorColumnName);
        BatchSizes.Require(BatchSize, names[nameof(BatchSize)]);
        names.RequireDefined(nameof(AspectRatio), AspectRatio);
        names.RequireDefined(nameof(Precision), Precision);
    }
}
