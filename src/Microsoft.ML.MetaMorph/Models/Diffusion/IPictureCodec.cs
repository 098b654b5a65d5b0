using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Between pictures and the samples that are denoised: an autoencoder, or a rearrangement of pixels.</summary>
internal interface IPictureCodec
{
    /// <summary>Pixels of a picture along a side for one of the sample.</summary>
    int Scale { get; }

    /// <summary>Pictures <c>[b, 3, H, W]</c> in −1 … 1 become samples of unit size, <c>[b, channels, H/Scale, W/Scale]</c>; the same every time.</summary>
    Tensor Encode(Tensor pictures);

    /// <summary>The way back; values may lie a little outside −1 … 1.</summary>
    Tensor Decode(Tensor samples);

    /// <summary>An estimate of the bytes that decoding one picture of this size takes, weights not counted.</summary>
    long RowBytes(int pictureHeight, int pictureWidth);
}
