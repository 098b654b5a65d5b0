namespace Microsoft.ML.MetaMorph;

/// <summary>What an image encoder needs to know beside its weights.</summary>
internal sealed record ImageEncoderSettings(SiglipVisionConfig Vision, ImagePreprocessorConfig Preprocessing, VisualTokenSettings Tokens, Precision Precision)
{
    /// <summary>The width of a visual token.</summary>
    public int TokenWidth => TokenReduction.TokenWidth(Tokens.Reduction, Vision.HiddenSize);

    /// <summary>Checks that the preprocessor makes what the tower takes.</summary>
    /// <exception cref="InvalidDataException">It does not.</exception>
    public void Check()
    {
        if (Preprocessing.Height != Vision.ImageSize || Preprocessing.Width != Vision.ImageSize)
            throw new InvalidDataException($"{ImagePreprocessorConfig.FileName} makes pictures of {Preprocessing.Width}x{Preprocessing.Height}; the vision tower takes {Vision.ImageSize}x{Vision.ImageSize} (image_size).");
        if (Vision.Channels != 3) throw new InvalidDataException($"The vision tower takes {Vision.Channels} channels; pictures have 3.");
    }
}
