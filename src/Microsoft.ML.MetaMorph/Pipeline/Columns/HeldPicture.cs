using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A picture of a row that is not decoded yet: a path or encoded bytes cost nothing until somebody wants the picture. A picture of ML.NET is
/// the upstream's, so its pixels are copied at once.
/// </summary>
internal sealed class HeldPicture
{
    private readonly long _row;
    private readonly string _place;
    private readonly RgbImage? _pixels;
    private readonly byte[]? _encoded;

    /// <param name="input">What the row holds.</param>
    /// <param name="row">The row's number, for messages.</param>
    /// <param name="place">Column and place in the row, for messages.</param>
    /// <exception cref="InvalidDataException">The pixels cannot be taken over; row and column are named.</exception>
    public HeldPicture(ImageInput input, long row, string place)
    {
        (_row, _place, Path, _encoded) = (row, place, input.Path, input.Encoded);
        if (input.Image is { } image) _pixels = Named(() => RgbImage.FromMLImage(image));
    }

    /// <summary>Its file; null where it lies in memory.</summary>
    public string? Path { get; }

    /// <summary>Decodes it.</summary>
    /// <param name="check">Throws where it cannot be used.</param>
    /// <exception cref="InvalidDataException">It is no picture, or cannot be used; row, column and file are named.</exception>
    /// <exception cref="FileNotFoundException">The file is not there; row and column are named.</exception>
    /// <exception cref="DirectoryNotFoundException">Its folder is not there; row and column are named.</exception>
    public RgbImage Decode(Action<RgbImage> check) => Named(() =>
    {
        RgbImage picture = _pixels ?? (Path is { } path ? ImageDecoder.DecodeFile(path) : ImageDecoder.Decode(_encoded, "encoded bytes"));
        check(picture);
        return picture;
    });

    /// <summary>What it holds, as a hash: of the encoded bytes, wherever they come from, or of size and pixels.</summary>
    /// <param name="ofFile">Gives that of a file.</param>
    /// <exception cref="IOException">A file cannot be read; row and column are named.</exception>
    public string Content(Func<string, string> ofFile) => Named(() => Path is { } path ? ofFile(path) : _encoded is { } bytes ? HashOf(bytes) : HashOf(_pixels!));

    /// <summary>The hash of the bytes of a picture file.</summary>
    public static string HashOf(ReadOnlySpan<byte> encoded) => Convert.ToHexStringLower(SHA256.HashData(encoded));

    private static string HashOf(RgbImage pixels)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> size = stackalloc byte[2 * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(size, pixels.Width);
        BinaryPrimitives.WriteInt32LittleEndian(size[sizeof(int)..], pixels.Height);
        hash.AppendData("pixels"u8);
        hash.AppendData(size);
        hash.AppendData(pixels.Pixels);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private T Named<T>(Func<T> make)
    {
        try
        {
            return make();
        }
        catch (FileNotFoundException failure)
        {
            throw new FileNotFoundException(RowErrors.At(_row, _place, failure.Message).Message, failure.FileName, failure);
        }
        catch (DirectoryNotFoundException failure)
        {
            throw new DirectoryNotFoundException(RowErrors.At(_row, _place, failure.Message).Message, failure);
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            throw RowErrors.At(_row, _place, failure.Message, failure);
        }
    }
}
