using static Microsoft.ML.MetaMorph.SettingsJson;

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
    public void Validate()
    {
        CheckColumn(nameof(OutputColumnName), OutputColumnName);
        CheckColumn(nameof(ErrorColumnName), ErrorColumnName, optional: true);
        CheckColumn(nameof(InputColumnName), InputColumnName);
        Check(nameof(BatchSize), BatchSize, BatchSizes.IsValid(BatchSize), BatchSizes.Range);
        Check(nameof(AspectRatio), AspectRatio);
        Check(nameof(Precision), Precision);
    }
}
