using System.Buffers.Binary;
using System.Numerics;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A file written by <c>torch.save</c>, in the zip format or in the one before it, read without executing anything.</summary>
/// <remarks>
/// A state dict's own names are the archive's. One that is wrapped as <c>model_state_dict</c> or <c>state_dict</c> is unwrapped;
/// tensors beside it have dotted names such as <c>optimizer_state_dict.state.0.exp_avg</c>. Views of one storage share memory, as
/// in torch, where the file aligns them (the zip format does). Format: torch/serialization.py.
/// </remarks>
internal sealed class TorchArchive : TensorArchive
{
    private static readonly string[] Wrappers = ["model_state_dict", "state_dict"];
    private static readonly BigInteger Magic = new([0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]);

    private readonly MappedFile _file;
    private readonly Dictionary<string, TorchStorageRecord> _records = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorInfo> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TorchTensor> _views = new(StringComparer.Ordinal);

    private TorchArchive(MappedFile file)
    {
        _file = file;
        IsZip = file.Length >= 4 && file.Bytes(0, 4).AsSpan().SequenceEqual("PK\x03\x04"u8);
        Root = IsZip ? LoadZip() : LoadLegacy();
        AddTensors();
    }

    public override string Location => _file.Path;

    public override IReadOnlyDictionary<string, TensorInfo> Tensors => _tensors;

    /// <summary>Whether the file has the zip format, and not the one before it.</summary>
    public bool IsZip { get; }

    /// <summary>All that the file holds, as null, bool, long, BigInteger, double, string, byte[] and the classes of PickleValues.cs.</summary>
    public object? Root { get; }

    public static TorchArchive Open(string path)
    {
        MappedFile file = MappedFile.Open(path);
        try
        {
            return new TorchArchive(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public override Tensor Read(string name) => Read(_views[Find(name).Name]);

    /// <summary>Reads a tensor of <see cref="Root"/>.</summary>
    public Tensor Read(TorchTensor tensor) => tensor.Read(_file);

    public override void Dispose() => _file.Dispose();

    private object? LoadZip()
    {
        ZipDirectory zip = ZipDirectory.Read(_file);
        ZipRecord[] pickles = [.. zip.Records.Values.Where(r => r.Name == "data.pkl" || (r.Name.EndsWith("/data.pkl", StringComparison.Ordinal) && r.Name.Count(c => c == '/') == 1))];
        if (pickles.Length != 1) throw new InvalidDataException($"'{Location}' is not a torch file: it has {pickles.Length} entries data.pkl, not 1.");
        string folder = pickles[0].Name[..^"data.pkl".Length];
        if (zip.Records.TryGetValue(folder + "byteorder", out ZipRecord? order) && Text(order) is not "little" and var other)
            throw new InvalidDataException($"'{Location}': its byte order is '{other}'; only 'little' is supported.");
        RequireStored(pickles[0]);
        using Stream pickle = _file.Open(pickles[0].Offset, pickles[0].Length);
        return new Unpickler(pickle, Location, identifier => TorchStorage.FromIdentifier(identifier, (key, elementBytes) => ZipStorage(zip, folder, key, elementBytes), Location)).Load();
    }

    private TorchStorageRecord ZipStorage(ZipDirectory zip, string folder, string key, int elementBytes)
    {
        if (_records.TryGetValue(key, out TorchStorageRecord? known)) return known;
        var record = new TorchStorageRecord(key, elementBytes);
        if (zip.Records.TryGetValue($"{folder}data/{key}", out ZipRecord? entry))
        {
            RequireStored(entry);
            (record.Offset, record.Bytes) = (entry.Offset, entry.Length);
        }
        return _records[key] = record;
    }

    private void RequireStored(ZipRecord entry)
    {
        if (!entry.IsStored) throw new InvalidDataException($"'{Location}': the entry '{entry.Name}' is compressed or encrypted; torch.save stores entries as they are. Save the file again with torch.save.");
    }

    private string Text(ZipRecord entry)
    {
        RequireStored(entry);
        return System.Text.Encoding.ASCII.GetString(_file.Bytes(entry.Offset, (int)Math.Min(entry.Length, 16)));
    }

    /// <summary>Five pickles (magic number, version, system, object, keys of storages), then the storages.</summary>
    private object? LoadLegacy()
    {
        GitLargeFilePointer.Refuse(_file, Location);
        if (_file.Length < 2 || _file.Bytes(0, 1)[0] != (byte)PickleOpcode.Protocol)
            throw new InvalidDataException($"'{Location}' is not a torch file: {_file.Length} bytes that begin neither as a zip file nor as a pickle.");
        using Stream stream = _file.Open(0, _file.Length);
        if (Plain(stream) is not BigInteger magic || magic != Magic) throw new InvalidDataException($"'{Location}' is not a torch file: its magic number is wrong.");
        if (Plain(stream) is not 1001L) throw new InvalidDataException($"'{Location}': unknown version of the legacy torch format; known is 1001.");
        if (Plain(stream) is not PickleDictionary system || !system.TryGet("little_endian", out object? little) || little is not true)
            throw new InvalidDataException($"'{Location}': it was not written on a little-endian system, which alone is supported.");
        object? root = new Unpickler(stream, Location, identifier => TorchStorage.FromIdentifier(identifier, LegacyStorage, Location)).Load();
        if (Plain(stream) is not PickleList keys) throw new InvalidDataException($"'{Location}': the list of its storages is missing.");
        PlaceStorages(keys, stream.Position);
        return root;
    }

    private object? Plain(Stream stream) => new Unpickler(stream, Location, _ => throw new InvalidDataException($"'{Location}': a storage where none belongs.")).Load();

    private TorchStorageRecord LegacyStorage(string key, int elementBytes)
        => _records.TryGetValue(key, out TorchStorageRecord? known) ? known : _records[key] = new TorchStorageRecord(key, elementBytes);

    private void PlaceStorages(PickleList keys, long position)
    {
        foreach (object? item in keys)
        {
            if (item is not string key || !_records.TryGetValue(key, out TorchStorageRecord? record) || record.Offset >= 0)
                throw new InvalidDataException($"'{Location}': the list of its storages does not fit its tensors.");
            if (position > _file.Length - sizeof(long)) throw new InvalidDataException($"'{Location}': it ends before storage '{key}'; it is truncated.");
            long count = BinaryPrimitives.ReadInt64LittleEndian(_file.Bytes(position, sizeof(long)));
            position += sizeof(long);
            Int128 bytes = (Int128)count * record.ElementBytes;
            if (count < 0 || bytes > _file.Length - position) throw new InvalidDataException($"'{Location}': storage '{key}' of {count} elements begins at byte {position}, but the file ends at {_file.Length}; it is truncated.");
            (record.Offset, record.Bytes) = (position, (long)bytes);
            position += (long)bytes;
        }
    }

    private void AddTensors()
    {
        string? wrapper = Root is PickleDictionary root ? Wrappers.FirstOrDefault(w => root.TryGet(w, out object? inner) && inner is PickleDictionary) : null;
        foreach ((string path, object? leaf) in CheckpointTree.Leaves(Root, ".", Location))
        {
            if (leaf is not TorchTensor tensor) continue;
            string name = wrapper is not null && path.StartsWith(wrapper + ".", StringComparison.Ordinal) ? path[(wrapper.Length + 1)..] : path;
            tensor.Check(name, Location);
            if (!_views.TryAdd(name, tensor)) throw new InvalidDataException($"'{Location}': two tensors are named '{name}'.");
            _tensors[name] = new TensorInfo(name, tensor.ElementType, tensor.Shape, Location);
        }
    }
}
