using System.Buffers.Binary;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>One safetensors file, or one that lies uncompressed inside another file, mapped and read without copies.</summary>
internal sealed class SafeTensorsArchive : TensorArchive
{
    private readonly MappedFile _file;
    private readonly Dictionary<string, TensorInfo> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _offsets = new(StringComparer.Ordinal);

    private SafeTensorsArchive(MappedFile file, string location)
    {
        _file = file;
        Location = location;
        GitLargeFilePointer.Refuse(file, location);
        if (file.Length < sizeof(ulong)) throw new InvalidDataException($"'{location}' is not a sound safetensors file: it has {file.Length} bytes, the length of the header alone takes {sizeof(ulong)}.");
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(file.Bytes(0, sizeof(ulong)));
        if (length > SafeTensorsHeader.LengthLimit) throw new InvalidDataException($"'{location}' is not a sound safetensors file: its header would have {length} bytes, the format allows {SafeTensorsHeader.LengthLimit}.");
        long data = sizeof(ulong) + (long)length;
        if (data > file.Length) throw new InvalidDataException($"'{location}' is not a sound safetensors file: its header ends at byte {data}, the file at {file.Length}; it is truncated or of another kind.");
        SafeTensorsHeader header = SafeTensorsHeader.Parse(file.Bytes(sizeof(ulong), (int)length), file.Length - data, location);
        Metadata = header.Metadata;
        foreach (SafeTensorsEntry entry in header.Entries)
        {
            _tensors[entry.Name] = new TensorInfo(entry.Name, entry.ElementType, entry.Shape, location);
            _offsets[entry.Name] = data + entry.Begin;
        }
    }

    public override string Location { get; }

    public override IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>The strings of <c>__metadata__</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; }

    public static SafeTensorsArchive Open(string path) => OpenAs(path, path);

    /// <summary>Opens a file that is a copy of what lies elsewhere.</summary>
    /// <param name="path">The file.</param>
    /// <param name="location">What messages call it.</param>
    public static SafeTensorsArchive OpenAs(string path, string location) => Open(MappedFile.Open(path), location);

    /// <summary>Opens a safetensors file that lies at a range of another file, such as a stored entry of a zip (<see cref="ZipDirectory"/>).</summary>
    /// <remarks>Tensors are copied instead of aliased where the range begins at an offset that breaks their alignment.</remarks>
    public static SafeTensorsArchive Open(string path, long offset, long length, string? location = null)
        => Open(MappedFile.Open(path, offset, length), location ?? $"{path} (bytes {offset} to {offset + length})");

    public override Tensor Read(string name)
    {
        TensorInfo info = Find(name);
        return _file.Tensor(_offsets[name], info.Shape, info.ElementType);
    }

    public override void Dispose() => _file.Dispose();

    private static SafeTensorsArchive Open(MappedFile file, string location)
    {
        try
        {
            return new SafeTensorsArchive(file, location);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }
}
