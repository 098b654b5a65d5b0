using System.IO.Compression;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Reads the files of one transformer from its directory of the model zip.</summary>
internal sealed class ModelZipReader
{
    private readonly ZipArchive _archive;
    private readonly FileStream? _file;
    private readonly string _directory;

    public ModelZipReader(ZipArchive archive, Stream? stream, string? directory)
    {
        _archive = archive;
        // A stream made from a bare handle has no path.
        _file = stream is FileStream file && File.Exists(file.Name) ? file : null;
        _directory = Normalize(directory);
    }

    /// <summary>Zip and directory, for messages.</summary>
    public string Location => $"{_file?.Name ?? "model zip"}, {_directory}";

    /// <summary>Directories end in a slash and are separated by slashes; ML.NET writes the separator of the machine.</summary>
    public static string Normalize(string? directory) => string.IsNullOrEmpty(directory) ? "" : directory.Replace('\\', '/').TrimEnd('/') + "/";

    /// <summary>Whether the file is there.</summary>
    public bool Contains(string name) => Find(name) is not null;

    /// <summary>Reads a small text file.</summary>
    /// <exception cref="InvalidDataException">The file is not in the zip.</exception>
    public string ReadText(string name)
    {
        using Stream stream = Open(name);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>Opens a file for reading from its start; the length is that of the contents.</summary>
    /// <exception cref="InvalidDataException">The file is not in the zip.</exception>
    public Stream Open(string name) => Require(name).Open();

    /// <summary>The length of a file's contents in bytes.</summary>
    public long Length(string name) => Require(name).Length;

    /// <summary>Where a stored file lies in the zip, or null where the zip is no file on disk or the entry is compressed.</summary>
    public FileRegion? Locate(string name)
    {
        ZipArchiveEntry entry = Require(name);
        if (_file is null || entry.Length == 0 || entry.CompressedLength != entry.Length) return null;
        // A stored entry is read straight from the file: after its first byte the file stands one byte behind the entry's offset.
        using Stream stream = entry.Open();
        int first = stream.ReadByte();
        long offset = _file.Position - 1;
        _file.Position = offset;
        if (first < 0 || _file.ReadByte() != first || offset + entry.Length > _file.Length) return null;
        return new FileRegion(_file.Name, offset, entry.Length);
    }

    private ZipArchiveEntry Require(string name)
        => Find(name) ?? throw new InvalidDataException($"{Location}: the file '{name}' is missing; the model was not saved whole or is not one of ours.");

    private ZipArchiveEntry? Find(string name)
    {
        string path = _directory + name;
        foreach (ZipArchiveEntry entry in _archive.Entries)
        {
            if (entry.FullName.Replace('\\', '/') == path) return entry;
        }

        return null;
    }
}

/// <summary>A run of bytes in a file.</summary>
internal readonly record struct FileRegion(string Path, long Offset, long Length);
