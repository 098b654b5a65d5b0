using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>The entries of a zip file with the places of their bytes, so that stored ones can be mapped in place.</summary>
/// <remarks>
/// System.IO.Compression does not tell where an entry's bytes lie, hence this reader of the central directory, zip64 included.
/// Everything is checked against the file's length. Format: APPNOTE.TXT 6.3.
/// </remarks>
internal sealed class ZipDirectory
{
    private const uint LocalHeader = 0x04034b50, CentralHeader = 0x02014b50, EndOfDirectory = 0x06054b50, EndOfDirectory64 = 0x06064b50, Locator64 = 0x07064b50;
    private const int LocalHeaderBytes = 30, CentralHeaderBytes = 46, EndBytes = 22, LocatorBytes = 20, End64Bytes = 56;

    private readonly MappedFile _file;
    private readonly Dictionary<string, ZipRecord> _records = new(StringComparer.Ordinal);

    private ZipDirectory(MappedFile file)
    {
        _file = file;
        (long offset, long bytes, long count) = FindDirectory();
        ReadDirectory(offset, bytes, count);
    }

    public IReadOnlyDictionary<string, ZipRecord> Records => _records;

    /// <exception cref="InvalidDataException">The file is not a whole zip file.</exception>
    public static ZipDirectory Read(MappedFile file) => new(file);

    public static ZipDirectory Read(string path)
    {
        using MappedFile file = MappedFile.Open(path);
        return new ZipDirectory(file);
    }

    private (long Offset, long Bytes, long Count) FindDirectory()
    {
        int tail = (int)Math.Min(_file.Length, EndBytes + ushort.MaxValue);
        byte[] bytes = _file.Bytes(_file.Length - tail, tail);
        for (int i = tail - EndBytes; i >= 0; i--)
        {
            ReadOnlySpan<byte> end = bytes.AsSpan(i);
            if (BinaryPrimitives.ReadUInt32LittleEndian(end) != EndOfDirectory || i + EndBytes + U16(end, 20) != tail) continue;
            long position = _file.Length - tail + i;
            (long offset, long size, long count) = (U32(end, 16), U32(end, 12), U16(end, 10));
            bool wide = offset == uint.MaxValue || size == uint.MaxValue || count == ushort.MaxValue;
            return wide ? FindDirectory64(position) ?? (offset, size, count) : (offset, size, count);
        }
        throw Broken("it has no end of a central directory; the file is truncated");
    }

    private (long Offset, long Bytes, long Count)? FindDirectory64(long end)
    {
        if (end < LocatorBytes) return null;
        byte[] locator = _file.Bytes(end - LocatorBytes, LocatorBytes);
        if (BinaryPrimitives.ReadUInt32LittleEndian(locator) != Locator64) return null;
        byte[] directory = Range(I64(locator, 8), End64Bytes, "the zip64 end of the central directory");
        if (BinaryPrimitives.ReadUInt32LittleEndian(directory) != EndOfDirectory64) throw Broken("its zip64 end of the central directory is not where it is said to be");
        return (I64(directory, 48), I64(directory, 40), I64(directory, 32));
    }

    private void ReadDirectory(long offset, long size, long count)
    {
        if (size > int.MaxValue) throw Broken($"its central directory has {size} bytes");
        byte[] directory = Range(offset, size, "the central directory");
        int next = 0;
        for (long i = 0; i < count; i++)
        {
            if (directory.Length - next < CentralHeaderBytes) throw Broken($"its central directory ends within entry {i} of {count}");
            ReadOnlySpan<byte> entry = directory.AsSpan(next);
            if (BinaryPrimitives.ReadUInt32LittleEndian(entry) != CentralHeader) throw Broken($"entry {i} of its central directory has no signature");
            int name = U16(entry, 28), extra = U16(entry, 30), whole = CentralHeaderBytes + name + extra + U16(entry, 32);
            if (directory.Length - next < whole) throw Broken($"its central directory ends within entry {i} of {count}");
            ZipRecord record = ReadEntry(entry, Encoding.UTF8.GetString(entry.Slice(CentralHeaderBytes, name)), entry.Slice(CentralHeaderBytes + name, extra));
            if (!_records.TryAdd(record.Name, record)) throw Broken($"the entry '{record.Name}' occurs twice");
            next += whole;
        }
    }

    private ZipRecord ReadEntry(ReadOnlySpan<byte> entry, string name, ReadOnlySpan<byte> extra)
    {
        int flags = U16(entry, 8), method = U16(entry, 10);
        Span<long> sizes = [U32(entry, 24), U32(entry, 20), U32(entry, 42)];   // uncompressed, compressed, offset: the order of the zip64 field
        ReadWideSizes(extra, sizes);
        (long length, long stored, long header) = (sizes[0], sizes[1], sizes[2]);
        byte[] local = Range(header, LocalHeaderBytes, $"the header of entry '{name}'");
        if (BinaryPrimitives.ReadUInt32LittleEndian(local) != LocalHeader) throw Broken($"the header of entry '{name}' is not at byte {header}");
        long data = header + LocalHeaderBytes + U16(local, 26) + U16(local, 28);
        if (stored < 0 || length < 0 || data > _file.Length - stored) throw Broken($"the entry '{name}' of {stored} bytes at {data} leaves the file of {_file.Length}");
        bool isStored = method == 0 && (flags & 1) == 0;
        if (isStored && stored != length) throw Broken($"the stored entry '{name}' has {stored} bytes but claims {length}");
        return new ZipRecord(name, data, length, isStored);
    }

    private static void ReadWideSizes(ReadOnlySpan<byte> extra, Span<long> sizes)
    {
        while (extra.Length >= 4)
        {
            int id = U16(extra, 0), length = Math.Min(U16(extra, 2), extra.Length - 4);
            ReadOnlySpan<byte> field = extra.Slice(4, length);
            extra = extra[(4 + length)..];
            if (id != 1) continue;
            foreach (ref long size in sizes)
            {
                if (size != uint.MaxValue || field.Length < 8) continue;
                size = I64(field, 0);
                field = field[8..];
            }
        }
    }

    private byte[] Range(long offset, long count, string what)
    {
        if (offset < 0 || count < 0 || offset > _file.Length - count) throw Broken($"{what} ({count} bytes at {offset}) leaves the file of {_file.Length} bytes; it is truncated");
        return _file.Bytes(offset, (int)count);
    }

    private InvalidDataException Broken(string why) => new($"'{_file.Path}' is not a sound zip file: {why}.");

    private static int U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static long U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static long I64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt64LittleEndian(bytes[at..]);
}

/// <summary>An entry of a zip file.</summary>
/// <param name="Name">The full name, with '/' between folders.</param>
/// <param name="Offset">Where its bytes begin in the file.</param>
/// <param name="Length">How many bytes it has when unpacked.</param>
/// <param name="IsStored">Whether its bytes lie there as they are: neither compressed nor encrypted.</param>
internal sealed record ZipRecord(string Name, long Offset, long Length, bool IsStored);
