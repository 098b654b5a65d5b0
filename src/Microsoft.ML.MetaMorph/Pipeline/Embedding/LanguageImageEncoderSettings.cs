namespace Microsoft.ML.MetaMorph;

/// <summary>What an encoder of pictures and texts needs to know beside its weights and its tokenizer.</summary>
/// <param name="Image">The vision tower, how its pictures are made ready, and in which element type it computes.</param>
/// <param name="Text">The text tower.</param>
internal sealed record LanguageImageEncoderSettings(ImageEncoderSettings Image, SiglipTextConfig Text)
{
    /// <summary>Both towers.</summary>
    public SiglipConfig Towers => new(Image.Vision, Text);

    /// <summary>D, the length of a vector.</summary>
    public int VectorLength => Image.Vision.HiddenSize;
}
