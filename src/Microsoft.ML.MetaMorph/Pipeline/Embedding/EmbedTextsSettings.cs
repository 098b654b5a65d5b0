namespace Microsoft.ML.MetaMorph;

/// <summary>What is saved of an <see cref="EmbedTextsTransformer"/> beside the encoder.</summary>
/// <param name="OutputColumnName">The column that is appended.</param>
/// <param name="InputColumnName">The column of texts.</param>
/// <param name="BatchSize">Rows that are read ahead.</param>
/// <param name="Precision">The encoder's, in the zip.</param>
/// <param name="TrainedIn">The encoder's, in the zip.</param>
internal sealed record EmbedTextsSettings(string OutputColumnName, string InputColumnName, int BatchSize, Precision Precision = Precision.Auto, string? TrainedIn = null) : ISavedSettings
{
    public void Validate() => Validate(SettingNames.File);

    /// <summary>Checks every value, for options and for the saved file alike.</summary>
    /// <exception cref="ArgumentException">A value is out of range; it is named as <paramref name="names"/> say.</exception>
    public void Validate(SettingNames names)
    {
        ColumnNames.Require(names[nameof(OutputColumnName)], OutputColumnName);
        ColumnNames.Require(names[nameof(InputColumnName)], InputColumnName);
        BatchSizes.Require(BatchSize, names[nameof(BatchSize)]);
        names.RequireDefined(nameof(Precision), Precision);
    }
}
