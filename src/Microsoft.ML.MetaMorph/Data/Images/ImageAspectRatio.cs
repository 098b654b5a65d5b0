namespace Microsoft.ML.MetaMorph;

/// <summary>How a picture that is not square becomes one (<c>image_aspect_ratio</c> of the published configurations).</summary>
public enum ImageAspectRatio
{
    /// <summary>Stretched to the square: what MetaMorph was trained with. The default.</summary>
    Square,

    /// <summary>Laid in the middle of a grey square as large as its longer side, then resized.</summary>
    Pad,
}
