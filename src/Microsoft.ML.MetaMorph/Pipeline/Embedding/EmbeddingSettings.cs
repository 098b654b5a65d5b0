using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>What is saved of an <see cref="EmbedTextsTransformer"/> beside the encoder, and, with more, of an <see cref="EmbedImagesTransformer"/>.</summary>
/// <param name="OutputColumnName">The column that is appended.</param>
/// <param name="InputColumnName">The column that is read.</param>
/// <param name="BatchSize">Rows that are read ahead.</param>
/// <param name="Precision">The encoder's, in the zip.</param>
/// <param name="TrainedIn">The encoder's, in the zip.</param>
/// <param name="ErrorColumnName">The column of what made a row unusable; null where such a row throws.</param>
internal record EmbeddingSettings(
    string OutputColumnName,
    string InputColumnName,
    int BatchSize,
    Precision Precision = Precision.Auto,
    string? TrainedIn = null,
    string? ErrorColumnName = null) : ISavedSettings
{
    public void Validate() => Validate(SettingNames.File);

    /// <summary>The columns that are appended.</summary>
    /// <param name="length">The length of a vector.</param>
    public DataViewSchema.DetachedColumn[] Outputs(int length)
        => ErrorColumnName is { } error ? [VectorColumn.Of(OutputColumnName, length), new(error, TextDataViewType.Instance)] : [VectorColumn.Of(OutputColumnName, length)];

    /// <summary>Checks every value, for options and for the saved file alike.</summary>
    /// <exception cref="ArgumentException">A value is out of range; it is named as <paramref name="names"/> say.</exception>
    public void Validate(SettingNames names)
    {
        ColumnNames.Require(names[nameof(OutputColumnName)], OutputColumnName);
        ColumnNames.Require(names[nameof(InputColumnName)], InputColumnName);
        ColumnNames.RequireOptional(names[nameof(ErrorColumnName)], ErrorColumnName);
        ColumnNames.RequireUnlike(OutputColumnName, ErrorColumnName);
        ColumnNames.RequireVisible([(names[nameof(InputColumnName)], InputColumnName)], [(names[nameof(ErrorColumnName)], ErrorColumnName)]);
        BatchSizes.Require(BatchSize, names[nameof(BatchSize)]);
        names.RequireDefined(nameof(Precision), Precision);
    }
}
