using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Between drawn pictures (0 … 1, channels first) and bytes.</summary>
internal static class PicturePixels
{
    /// <summary>The pictures <c>[b, 3, H, W]</c> with each value rounded to one of 256.</summary>
    public static RgbImage[] ToImages(Tensor pictures)
    {
        using var scope = NewDisposeScope();
        Tensor bytes = (pictures.cpu() * 255f).round().clamp(0, 255).to(ScalarType.Byte).permute(0, 2, 3, 1).contiguous();
        return [.. Enumerable.Range(0, (int)bytes.shape[0]).Select(row => new RgbImage((int)bytes.shape[2], (int)bytes.shape[1], bytes[row].contiguous().data<byte>().ToArray()))];
    }

    /// <summary><c>[b, 3, H, W]</c> in 0 … 1 of pictures of one size.</summary>
    public static Tensor FromImages(IReadOnlyList<RgbImage> images)
    {
        if (images.Count == 0) throw new ArgumentException("There are no pictures.", nameof(images));
        int height = images[0].Height, width = images[0].Width;
        int odd = images.ToList().FindIndex(image => image.Height != height || image.Width != width);
        if (odd >= 0) throw new ArgumentException($"Picture {odd} has {images[odd].Width}x{images[odd].Height} pixels, the first has {width}x{height}; pictures of a batch share their size.", nameof(images));
        using var scope = NewDisposeScope();
        Tensor rows = stack(images.Select(image => tensor(image.Pixels, [height, width, 3])).ToArray(), 0);
        return (rows.permute(0, 3, 1, 2).to(ScalarType.Float32) / 255f).contiguous().MoveToOuterDisposeScope();
    }
}
