namespace Microsoft.ML.MetaMorph;

/// <summary>What an image encoder needs to know beside its weights.</summary>
/// <param name="Vision">The tower: a <see cref="SiglipVisionConfig"/> or a <see cref="Siglip2VisionConfig"/>.</param>
/// <param name="Preprocessing">How pictures are brought into the tower's form.</param>
/// <param name="Tokens">How its patches become visual tokens.</param>
/// <param name="Precision">In which element type linear layers are computed.</param>
/// <param name="TrainedIn">What the training of the encoder measured or was told, for people who look into a zip; null where we did not train it.</param>
internal sealed record ImageEncoderSettings(VisionTowerConfig Vision, ImagePreprocessorConfig Preprocessing, VisualTokenSettings Tokens, Precision Precision, string? TrainedIn = null)
{
    /// <summary>The width of a visual token.</summary>
    public int TokenWidth => TokenReduction.TokenWidth(Tokens.Reduction, Vision.HiddenSize);
}
