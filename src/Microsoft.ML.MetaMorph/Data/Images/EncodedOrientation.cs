using System.Buffers.Binary;
using SkiaSharp;

namespace Microsoft.ML.MetaMorph;

/// <summary>How the camera held the picture (EXIF tag 0x0112): read from the file and undone, as Pillow's <c>exif_transpose</c> does.</summary>
internal static class EncodedOrientation
{
    private const ushort OrientationTag = 0x0112;
    private static ReadOnlySpan<byte> PngSignature => [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A];

    /// <summary>The orientation that the codec found; of a PNG, which the codec does not look into, that of its eXIf chunk.</summary>
    public static SKEncodedOrigin Read(SKCodec codec, ReadOnlySpan<byte> encoded) =>
        codec.EncodedOrigin == SKEncodedOrigin.TopLeft && codec.EncodedFormat == SKEncodedImageFormat.Png ? ReadPng(encoded) : codec.EncodedOrigin;

    /// <summary>Turns the stored pixels into the picture as it is to be seen.</summary>
    public static RgbImage Apply(RgbImage image, SKEncodedOrigin origin)
    {
        if (origin == SKEncodedOrigin.TopLeft) return image;
        int w = image.Width, h = image.Height;
        return origin switch
        {
            SKEncodedOrigin.TopRight => Map(image, w, h, (x, y) => (w - 1 - x, y)),
            SKEncodedOrigin.BottomRight => Map(image, w, h, (x, y) => (w - 1 - x, h - 1 - y)),
            SKEncodedOrigin.BottomLeft => Map(image, w, h, (x, y) => (x, h - 1 - y)),
            SKEncodedOrigin.LeftTop => Map(image, h, w, (x, y) => (y, x)),
            SKEncodedOrigin.RightTop => Map(image, h, w, (x, y) => (y, h - 1 - x)),
            SKEncodedOrigin.RightBottom => Map(image, h, w, (x, y) => (w - 1 - y, h - 1 - x)),
            SKEncodedOrigin.LeftBottom => Map(image, h, w, (x, y) => (w - 1 - y, x)),
            _ => throw new ArgumentOutOfRangeException(nameof(origin), origin, "An EXIF orientation is 1 to 8."),
        };
    }

    private static RgbImage Map(RgbImage image, int width, int height, Func<int, int, (int X, int Y)> source)
    {
        byte[] pixels = new byte[image.Pixels.Length];
        for (int y = 0, to = 0; y < height; y++)
            for (int x = 0; x < width; x++, to += 3)
            {
                (int fromX, int fromY) = source(x, y);
                image.Pixels.AsSpan((fromY * image.Width + fromX) * 3, 3).CopyTo(pixels.AsSpan(to));
            }
        return new RgbImage(width, height, pixels);
    }

    private static SKEncodedOrigin ReadPng(ReadOnlySpan<byte> png)
    {
        if (!png.StartsWith(PngSignature)) return SKEncodedOrigin.TopLeft;
        for (ReadOnlySpan<byte> rest = png[PngSignature.Length..]; rest.Length >= 12;)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(rest);
            if (length > rest.Length - 12) break;
            if (rest.Slice(4, 4).SequenceEqual("eXIf"u8)) return ReadTiff(rest.Slice(8, (int)length));
            rest = rest[(12 + (int)length)..];
        }
        return SKEncodedOrigin.TopLeft;
    }

    /// <summary>Looks through the first directory of a TIFF header; anything malformed means "not turned", as in other readers.</summary>
    private static SKEncodedOrigin ReadTiff(ReadOnlySpan<byte> tiff)
    {
        if (tiff.Length < 10) return SKEncodedOrigin.TopLeft;
        bool little = tiff[0] == (byte)'I';
        uint directory = little ? BinaryPrimitives.ReadUInt32LittleEndian(tiff[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tiff[4..]);
        if (directory > tiff.Length - 2) return SKEncodedOrigin.TopLeft;
        int entries = Short(tiff, (int)directory, little);
        for (int i = 0, at = (int)directory + 2; i < entries && at + 12 <= tiff.Length; i++, at += 12)
            if (Short(tiff, at, little) == OrientationTag && Short(tiff, at + 8, little) is >= 1 and <= 8 and var value) return (SKEncodedOrigin)value;
        return SKEncodedOrigin.TopLeft;
    }

    private static ushort Short(ReadOnlySpan<byte> bytes, int at, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
}
