using System.Runtime.InteropServices;
using SkiaSharp;

namespace Microsoft.ML.MetaMorph;

/// <summary>A box in a picture: left, top, width and height.</summary>
/// <param name="Left">From the left side.</param>
/// <param name="Top">From the upper side.</param>
/// <param name="Width">More than 0.</param>
/// <param name="Height">More than 0.</param>
/// <param name="Unit">In what it is measured.</param>
internal readonly record struct PictureRegion(double Left, double Top, double Width, double Height, BoxUnit Unit)
{
    /// <summary>The part of the picture inside the box, as PNG; every pixel that the box touches belongs to it.</summary>
    /// <exception cref="InvalidDataException">The bytes are no picture, or the box leaves it.</exception>
    public byte[] Crop(byte[] encoded, string name)
    {
        RgbImage picture = ImageDecoder.Decode(encoded, name);
        (double across, double down) = Unit == BoxUnit.Pixels ? (1.0, 1.0) : (picture.Width, picture.Height);
        int left = (int)Math.Floor(Left * across), top = (int)Math.Floor(Top * down);
        int right = (int)Math.Ceiling((Left + Width) * across), bottom = (int)Math.Ceiling((Top + Height) * down);
        if (right > picture.Width || bottom > picture.Height)
            throw new InvalidDataException(FormattableString.Invariant($"{name}: the box reaches to ({right}, {bottom}), but the picture has {picture.Width}x{picture.Height} pixels. Mend the box; it is left, top, width and height in {Unit}."));
        return Png(picture, left, top, right - left, bottom - top);
    }

    private static byte[] Png(RgbImage picture, int left, int top, int width, int height)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        var pixels = new byte[bitmap.RowBytes * height];
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                ReadOnlySpan<byte> from = picture.Pixels.AsSpan((((top + y) * picture.Width) + left + x) * 3, 3);
                Span<byte> to = pixels.AsSpan((y * bitmap.RowBytes) + (x * 4), 4);
                from.CopyTo(to);
                to[3] = byte.MaxValue;
            }
        }

        Marshal.Copy(pixels, 0, bitmap.GetPixels(), pixels.Length);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }
}
