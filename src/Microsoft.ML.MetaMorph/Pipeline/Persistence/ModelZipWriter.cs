using System.IO.Compression;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Writes the files of one transformer into its directory of the model zip.</summary>
/// <remarks>
/// The files are those of a Hugging Face folder (<c>config.json</c>, <c>model.safetensors</c>, <c>tokenizer.json</c>, …), so an unpacked
/// zip holds folders that other tools open.
/// </remarks>
internal sealed class ModelZipWriter
{
    // PKZIP APPNOTE 4.3.7: the fixed part of a local file header; .NET adds no extra field where it creates an entry.
    private const int LocalHeaderLength = 30;

    private readonly ZipArchive _archive;
    private readonly Stream? _stream;
    private readonly string _directory;

    public ModelZipWriter(ZipArchive archive, Stream? stream, string? directory)
    {
        _archive = archive;
        _stream = stream;
        _directory = ModelZipReader.Normalize(directory);
    }

    /// <summary>Writes a small file, compressed.</summary>
    public void Write(string name, Action<Stream> write)
    {
        using Stream entry = _archive.CreateEntry(_directory + name, CompressionLevel.Optimal).Open();
        write(entry);
    }

    /// <summary>Writes a small text file in UTF-8, compressed.</summary>
    public void Write(string name, string text) => Write(name, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Writes a large file as it is, so that it can be mapped in place; it may be longer than 4 GiB.</summary>
    /// <param name="name">The file's name.</param>
    /// <param name="write">Gets the stream and the offset of its first byte in the zip, by which the contents can be aligned.</param>
    public void WriteStored(string name, Action<Stream, long> write)
    {
        string path = _directory + name;
        ZipArchiveEntry created = _archive.CreateEntry(path, CompressionLevel.NoCompression);
        using Stream entry = created.Open();
        write(entry, Offset(path));
    }

    private long Offset(string path) => _stream is null ? 0 : _stream.Position + LocalHeaderLength + Encoding.UTF8.GetByteCount(path);
}
