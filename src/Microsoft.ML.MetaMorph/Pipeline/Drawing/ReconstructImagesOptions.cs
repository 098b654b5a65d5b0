namespace Microsoft.ML.MetaMorph;

/// <summary>Options of <see cref="MetaMorphCatalog.ReconstructImages(ReconstructImagesOptions)"/>: picture → visual tokens → picture.</summary>
/// <remarks>The visual tokens stand in a column named after the output with <c>Tokens</c> behind it; with an error column, why a picture could not be read also in one with <c>TokensError</c> behind it.</remarks>
public sealed class ReconstructImagesOptions : DrawingOptions
{
    /// <summary>The column of pictures that is read: <see cref="Data.MLImage"/>, text (a path), vector of text (several paths), or vector of byte (an encoded picture).</summary>
    public string InputColumnName { get; set; } = DefaultColumnNames.Image;

    /// <summary>The encoder.</summary>
    public required ImageEncoder Encoder { get; set; }

    /// <summary>The folder at which relative paths start. Null (default): the current folder of the process. It is saved with the model.</summary>
    public string? ImageFolder { get; set; }

    internal override void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(InputColumnName);
        ArgumentNullException.ThrowIfNull(Encoder);
        base.Validate();
    }

    /// <summary>The options of encoding.</summary>
    internal EncodeImagesEstimator.Options Encoding(string tokens, string? errors) => new()
    {
        OutputColumnName = tokens,
        InputColumnNames = [InputColumnName],
        Encoder = Encoder,
        ImageFolder = ImageFolder,
        ErrorColumnName = errors,
    };
}
