using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Reads the files of one transformer from its directory of the model zip.</summary>
internal sealed class ModelZipReader
{
    /// <summary>What to do about a zip that is broken; the end of every such message.</summary>
    public const string Advice = "Save the model again with mlContext.Model.Save, or copy the zip again if it was copied or downloaded.";

    /// <summary>Configurations and tokenizers are read whole, and a few bytes of a zip can unpack to any size.</summary>
    private const int LargestSmallFile = 256 << 20;

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

    /// <summary>A file as messages call it: zip, directory and name.</summary>
    public string NameOf(string name) => Location + name;

    /// <summary>The error for a file that is there but cannot be used.</summary>
    public InvalidDataException Broken(string name, Exception failure) => new($"{Location}: the file '{name}' is broken: {failure.Message} {Advice}", failure);

    /// <summary>Whether the file is there.</summary>
    public bool Contains(string name) => Find(name) is not null;

    /// <summary>Reads a small text file.</summary>
    /// <exception cref="InvalidDataException">The file is not in the zip, or broken.</exception>
    public string ReadText(string name)
    {
        using var reader = new StreamReader(new MemoryStream(ReadBytes(name)), Encoding.UTF8);
        return reader.ReadToEnd();
    }

    /// <summary>Reads a small file.</summary>
    /// <exception cref="InvalidDataException">The file is not in the zip, too large to be one, or not what the zip's checksum says.</exception>
    public byte[] ReadBytes(string name)
    {
        ZipArchiveEntry entry = Require(name);
        byte[] bytes;
        try
        {
            bytes = Unpack(entry);
        }
        catch (InvalidDataException failure)
        {
            throw Broken(name, failure);
        }

        uint found = Crc32.Update(0, bytes), expected = entry.Crc32;
        if (found != expected) throw Broken(name, new InvalidDataException($"the checksum (CRC-32) of its {bytes.Length} bytes is {found:X8}, the zip's directory says {expected:X8}: it was changed or damaged."));
        return bytes;
    }

    /// <summary>A small JSON file as <paramref name="parse"/> understands it; its errors are given the names of zip and file.</summary>
    /// <exception cref="InvalidDataException">The file is not in the zip, it is no JSON, or <paramref name="parse"/> said so.</exception>
    /// <exception cref="NotSupportedException"><paramref name="parse"/> said so.</exception>
    public T ReadJson<T>(string name, Func<JsonElement, T> parse)
    {
        using JsonDocument json = Parse(name);
        return JsonFile.Named(NameOf(name), () => parse(json.RootElement));
    }

    /// <summary>Opens a file for reading from its start; the length is that of the contents.</summary>
    /// <exception cref="InvalidDataException">The file is not in the zip.</exception>
    public Stream Open(string name) => Require(name).Open();

    /// <summary>The length of a file's contents in bytes.</summary>
    public long Length(string name) => Require(name).Length;

    /// <summary>The checksum (CRC-32) of a file's contents, as the zip's directory says.</summary>
    public uint Checksum(string name) => Require(name).Crc32;

    /// <summary>Where a stored file lies in the zip, or null where the zip is no file on disk or the entry is compressed.</summary>
    public FileRegion? Locate(string name)
    {
        ZipArchiveEntry entry = Require(name);
        if (_file is null) return null;
        // The entries are read once more, by our own reader: System.IO.Compression does not tell where they lie.
        return ZipDirectory.Read(_file.Name).Records.TryGetValue(entry.FullName, out ZipRecord? record) && record.IsStored
            ? new FileRegion(_file.Name, record.Offset, record.Length)
            : null;
    }

    // What it declares is looked at first, and what comes out all the same: either may be made up.
    private static byte[] Unpack(ZipArchiveEntry entry)
    {
        if (entry.Length > LargestSmallFile) throw TooLarge();
        using Stream stream = entry.Open();
        using var bytes = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = stream.Read(buffer)) > 0; bytes.Write(buffer, 0, read))
        {
            if (bytes.Length + read > LargestSmallFile) throw TooLarge();
        }

        return bytes.ToArray();
    }

    private static InvalidDataException TooLarge() => new($"it unpacks to more than {LargestSmallFile} bytes.");

    private JsonDocument Parse(string name)
    {
        try
        {
            return JsonDocument.Parse(ReadText(name));
        }
        catch (JsonException failure)
        {
            throw Broken(name, failure);
        }
    }

    private ZipArchiveEntry Require(string name) => Find(name) ?? throw new InvalidDataException($"{Location}: the file '{name}' is missing; the model was not saved whole. {Advice}");

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
