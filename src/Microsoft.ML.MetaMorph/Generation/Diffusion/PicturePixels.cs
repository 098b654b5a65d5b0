using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>From drawn pictures (0 … 1, channels first) to bytes.</summary>
internal static class PicturePixels
{
    /// <summary>The pictures <c>[b, 3, H, W]</c> with each value rounded to one of 256.</summary>
    public static RgbImage[] ToImages(Tensor pictures)
    {
        using var scope = NewDisposeScope();
        Tensor bytes = (pictures.cpu() * 255f).round().clamp(0, 255).to(ScalarType.Byte).permute(0, 2, 3, 1).contiguous();
        return [.. Enumerable.Range(0, (int)bytes.shape[0]).Select(row => new RgbImage((int)bytes.shape[2], (int)bytes.shape[1], bytes[row].contiguous().data<byte>().ToArray()))];
    }
}
