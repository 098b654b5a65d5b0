using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The bytes of a torch storage in its file; the legacy format tells their place only behind the pickles.</summary>
internal sealed class TorchStorageRecord(string key, int elementBytes)
{
    public string Key { get; } = key;

    /// <summary>The size of an element by the class of the first storage that names the record.</summary>
    public int ElementBytes { get; } = elementBytes;

    /// <summary>Where the bytes begin in the file; negative while unknown.</summary>
    public long Offset { get; set; } = -1;

    public long Bytes { get; set; }
}

/// <summary>A storage as tensors refer to it: <paramref name="Elements"/> elements of a record, from <paramref name="First"/>.</summary>
/// <param name="Record">The bytes.</param>
/// <param name="ElementType">Null for untyped storages, whose elements are bytes.</param>
/// <param name="First">The first element.</param>
/// <param name="Elements">The count.</param>
internal sealed record TorchStorage(TorchStorageRecord Record, ScalarType? ElementType, long First, long Elements)
{
    public int ElementBytes => ElementType is { } type ? ElementTypes.Bytes(type) : 1;

    /// <summary>Reads a persistent identifier: <c>('storage', class, key, location, count)</c>, in legacy files with a view as sixth item.</summary>
    /// <param name="identifier">The tuple.</param>
    /// <param name="record">Gives the record of a key and the size of its elements.</param>
    /// <param name="location">The file, for messages.</param>
    public static TorchStorage FromIdentifier(PickleTuple identifier, Func<string, int, TorchStorageRecord> record, string location)
    {
        if (identifier.Items is not ["storage", PickleGlobal { Kind: PickleGlobalKind.Storage } type, string key, string, long count, ..] || identifier.Count > 6)
            throw new InvalidDataException($"'{location}': the pickle is broken: a persistent identifier that does not describe a storage.");
        if (count < 0) throw new InvalidDataException($"'{location}': storage '{key}' would have {count} elements.");
        var whole = new TorchStorage(record(key, type.ElementType is { } element ? ElementTypes.Bytes(element) : 1), type.ElementType, 0, count);
        if (identifier.Count == 5 || identifier.Items[5] is null) return whole;
        if (identifier.Items[5] is not PickleTuple { Items: [string, long first, long size] } || first < 0 || size < 0 || first > count - size)
            throw new InvalidDataException($"'{location}': the pickle is broken: a view that leaves storage '{key}' of {count} elements.");
        return whole with { First = first, Elements = size };
    }

    /// <summary>Throws unless the file holds every element.</summary>
    public void Check(string tensor, string location)
    {
        if (Record.Offset < 0) throw new InvalidDataException($"'{location}': tensor '{tensor}' lies in storage '{Record.Key}', which the file does not have.");
        if ((Int128)(First + Elements) * ElementBytes > Record.Bytes)
            throw new InvalidDataException($"'{location}': tensor '{tensor}' lies in storage '{Record.Key}', which has {Record.Bytes} bytes in the file; {Elements} elements from {First} of {ElementBytes} bytes each do not fit.");
    }
}
