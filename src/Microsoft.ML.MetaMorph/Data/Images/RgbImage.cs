using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pixels as the vision models take them: 8 bits, red, green, blue, rows from the top, without padding.</summary>
internal sealed class RgbImage
{
    public RgbImage(int width, int height, byte[] pixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        RequireLength(width, height, 3, pixels.Length);
        Width = width;
        Height = height;
        Pixels = pixels;
    }

    public int Width { get; }

    public int Height { get; }

    /// <summary>Height × width × 3 bytes.</summary>
    public byte[] Pixels { get; }

    /// <summary>Takes red, green, blue, alpha bytes and drops the alpha, as Pillow's <c>convert("RGB")</c> does: colours under transparency stay.</summary>
    public static RgbImage FromRgba(int width, int height, ReadOnlySpan<byte> rgba) => FromFourChannels(width, height, rgba, red: 0, blue: 2);

    /// <summary>Takes blue, green, red, alpha bytes and drops the alpha.</summary>
    public static RgbImage FromBgra(int width, int height, ReadOnlySpan<byte> bgra) => FromFourChannels(width, height, bgra, red: 2, blue: 0);

    /// <summary>
    /// Copies the pixels of an <see cref="MLImage"/> and drops its alpha; the picture is not kept.
    /// ML.NET holds colours multiplied by their alpha when it loads a file, so that what lies under full transparency is black there.
    /// </summary>
    public static RgbImage FromMLImage(MLImage image) => image.PixelFormat switch
    {
        MLPixelFormat.Bgra32 => FromBgra(image.Width, image.Height, image.Pixels),
        MLPixelFormat.Rgba32 => FromRgba(image.Width, image.Height, image.Pixels),
        _ => throw new ArgumentException($"A picture of {image.Width}x{image.Height} has the pixel format {image.PixelFormat}; {nameof(MLPixelFormat.Bgra32)} or {nameof(MLPixelFormat.Rgba32)} is needed.", nameof(image)),
    };

    private static RgbImage FromFourChannels(int width, int height, ReadOnlySpan<byte> source, int red, int blue)
    {
        RequireLength(width, height, 4, source.Length);
        byte[] pixels = new byte[checked(width * height * 3)];
        for (int from = 0, to = 0; to < pixels.Length; from += 4, to += 3)
        {
            pixels[to] = source[from + red];
            pixels[to + 1] = source[from + 1];
            pixels[to + 2] = source[from + blue];
        }
        return new RgbImage(width, height, pixels);
    }

    private static void RequireLength(int width, int height, int channels, int length)
    {
        if ((long)width * height * channels != length)
            throw new ArgumentException($"A picture of {width}x{height} with {channels} bytes a pixel has {(long)width * height * channels} bytes; {length} were given.");
    }
}
