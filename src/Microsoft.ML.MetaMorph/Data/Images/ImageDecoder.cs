using System.Buffers;
using System.Text;
using SkiaSharp;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Decodes PNG, JPEG, WebP, BMP and the first frame of a GIF into the pixels that Pillow's <c>convert("RGB")</c> gives:
/// alpha dropped with the colours under it kept, no colour management, 16 bits cut to their upper 8 (of grey ones Pillow would make white), and
/// the EXIF orientation applied.
/// </summary>
internal static class ImageDecoder
{
    /// <summary>Pillow's <c>MAX_IMAGE_PIXELS</c>: a quarter of a gigabyte of 24-bit pixels.</summary>
    public const long DefaultMaximumPixels = 89_478_485;

    /// <summary>Twelve bytes a pixel of the largest picture: more than any of these formats needs.</summary>
    private const long LargestFile = 12 * DefaultMaximumPixels;

    /// <summary>Reads and decodes a file.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not a picture, is cut off, or has more pixels than allowed.</exception>
    public static RgbImage DecodeFile(string path, long maximumPixels = DefaultMaximumPixels)
    {
        return Decode(ReadFile(path), path, maximumPixels);
    }

    /// <summary>The bytes of a file, which need not be a picture.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is a folder, or has more bytes than any picture of <see cref="DefaultMaximumPixels"/> needs.</exception>
    public static byte[] ReadFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path)) throw new InvalidDataException($"{path}: this is a folder; the path of a picture file is needed.");
        if (!File.Exists(path)) throw new FileNotFoundException($"{path}: there is no such picture file (looked in {Path.GetFullPath(path)}).", path);
        return ReadWhole(path);
    }

    /// <summary>Decodes a whole encoded picture.</summary>
    /// <param name="encoded">The bytes of a picture file.</param>
    /// <param name="source">What the bytes are, for messages: a path, or a column and row.</param>
    /// <param name="maximumPixels">Width × height beyond which nothing is decoded; it is checked against the header alone.</param>
    /// <exception cref="InvalidDataException">The bytes are not a picture, are cut off, or have more pixels than allowed.</exception>
    public static RgbImage Decode(ReadOnlySpan<byte> encoded, string source, long maximumPixels = DefaultMaximumPixels)
    {
        if (encoded.IsEmpty) throw new InvalidDataException($"{source}: the picture is empty (0 bytes).");
        using SKData data = SKData.CreateCopy(encoded);
        using SKCodec? codec = SKCodec.Create(data);
        if (codec is null || !IsSupported(codec.EncodedFormat))
            throw new InvalidDataException($"{source}: {encoded.Length} bytes that are not a readable PNG, JPEG, WebP, BMP or GIF picture; {Describe(encoded)}.");
        int width = codec.Info.Width, height = codec.Info.Height;
        if ((long)width * height > maximumPixels)
            throw new InvalidDataException($"{source}: the picture has {width}x{height} = {(long)width * height} pixels, more than the limit of {maximumPixels}. Shrink it.");
        return EncodedOrientation.Apply(ReadPixels(codec, width, height, source), EncodedOrientation.Read(codec, encoded));
    }

    // What says that it has no length (a device) or more than any picture of so many pixels is not read until memory ends.
    private static byte[] ReadWhole(string path)
    {
        using FileStream file = File.OpenRead(path);
        if (file.Length > LargestFile) throw new InvalidDataException($"{path}: the file has {file.Length} bytes, more than the limit of {LargestFile}; a picture of so many is to be shrunk.");
        var bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static bool IsSupported(SKEncodedImageFormat format) =>
        format is SKEncodedImageFormat.Png or SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Webp or SKEncodedImageFormat.Bmp or SKEncodedImageFormat.Gif;

    private static unsafe RgbImage ReadPixels(SKCodec codec, int width, int height, string source)
    {
        // Not premultiplied: else the colours under transparency would be lost. Without a colour space: else they would be converted.
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        int length = checked(width * height * 4);
        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            Span<byte> rgba = rented.AsSpan(0, length);
            rgba.Clear();
            SKCodecResult result;
            fixed (byte* pixels = rgba) result = codec.GetPixels(info, (nint)pixels);
            if (result != SKCodecResult.Success)
                throw new InvalidDataException($"{source}: the {codec.EncodedFormat} picture of {width}x{height} {Explain(result)}.");
            return RgbImage.FromRgba(width, height, rgba);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private static string Explain(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "is cut off: its data ends before its last pixel",
        SKCodecResult.ErrorInInput or SKCodecResult.InvalidInput => "is damaged",
        _ => $"cannot be decoded ({result})",
    };

    private static string Describe(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("version https://git-lfs"u8)) return "it is a Git LFS pointer: fetch the file itself";
        ReadOnlySpan<byte> start = bytes[..Math.Min(bytes.Length, 16)];
        bool text = start.IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0;
        return text ? $"it starts with the text \"{Encoding.ASCII.GetString(start)}\"" : $"it starts with the bytes {Convert.ToHexString(start)}";
    }
}
