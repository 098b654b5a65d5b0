namespace Microsoft.ML.MetaMorph;

/// <summary>What is saved of an <see cref="EmbedImagesTransformer"/> beside the encoder.</summary>
/// <param name="OutputColumnName">The column that is appended.</param>
/// <param name="InputColumnName">The column of pictures.</param>
/// <param name="ImageFolder">Where relative paths start.</param>
/// <param name="BatchSize">Rows that are read ahead.</param>
/// <param name="Precision">The encoder's, in the zip.</param>
/// <param name="TrainedIn">The encoder's, in the zip.</param>
/// <param name="ErrorColumnName">The column of what made a row unusable; null where such a row throws.</param>
internal sealed record EmbedImagesSettings(
    string OutputColumnName,
    string InputColumnName,
    string? ImageFolder,
    int BatchSize,
    Precision Precision = Precision.Auto,
    string? TrainedIn = null,
    string? ErrorColumnName = null) : EmbeddingSettings(OutputColumnName, InputColumnName, BatchSize, Precision, TrainedIn, ErrorColumnName);
