using System.Buffers.Binary;
using System.IO.Compression;
using Microsoft.ML.Data;

namespace ZeroShot;

/// <summary>The IDX files of MNIST and its like: a magic number, sizes, and bytes.</summary>
internal static class IdxFile
{
    /// <summary>Height and width of a picture.</summary>
    public const int Side = 28;

    /// <summary>The bytes of a gzipped file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="each">Bytes of an entry.</param>
    public static byte[] Read(string path, int each)
    {
        using var gzip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var content = new MemoryStream();
        gzip.CopyTo(content);
        ReadOnlySpan<byte> bytes = content.ToArray();
        // Two zeros, 8 for bytes, the number of sizes; then the sizes, the first of which is the number of entries.
        if (bytes.Length < 8 || bytes[..3] is not [0, 0, 8]) throw new InvalidDataException($"'{path}' is no IDX file of bytes.");
        int header = 4 + 4 * bytes[3], count = BinaryPrimitives.ReadInt32BigEndian(bytes[4..]);
        if (bytes.Length != header + (long)count * each) throw new InvalidDataException($"'{path}' holds {bytes.Length} bytes; {count} entries of {each} take {header + (long)count * each}.");
        return bytes[header..].ToArray();
    }

    /// <summary>A picture of grey values.</summary>
    public static MLImage Picture(ReadOnlySpan<byte> grey)
    {
        byte[] pixels = new byte[4 * Side * Side];
        for (int i = 0; i < grey.Length; i++)
        {
            pixels.AsSpan(4 * i, 3).Fill(grey[i]);
            pixels[4 * i + 3] = byte.MaxValue;
        }

        return MLImage.CreateFromPixels(Side, Side, MLPixelFormat.Bgra32, pixels);
    }
}
