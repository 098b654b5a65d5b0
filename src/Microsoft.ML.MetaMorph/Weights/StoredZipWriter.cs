using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Writes a zip file whose entries are stored as they are and begin at multiples of 64 bytes, so that they can be mapped in place.</summary>
/// <remarks>System.IO.Compression cannot place an entry, hence this. Entries and files may be larger than 4 GiB. Format: APPNOTE.TXT 6.3.</remarks>
/// <param name="stream">A stream that can seek; it is left at the end of what was written.</param>
internal sealed class StoredZipWriter(Stream stream)
{
    private const int Alignment = 64, LocalHeaderBytes = 30, CrcPlace = 14, Zip64LocalBytes = 20, PaddingHeaderBytes = 4;
    private const ushort PaddingId = 0x4246, Zip64Id = 0x0001, Version = 45;
    private const long Narrow = uint.MaxValue;

    private readonly List<Entry> _entries = [];

    /// <summary>Begins an entry of <paramref name="length"/> bytes; <see cref="Write"/> must then be given exactly these.</summary>
    public void Begin(string name, long length)
    {
        var entry = new Entry(Encoding.UTF8.GetBytes(name), stream.Position, length);
        bool wide = length >= Narrow;
        int fixedExtra = (wide ? Zip64LocalBytes : 0) + PaddingHeaderBytes;
        int padding = (int)((Alignment - (entry.Offset + LocalHeaderBytes + entry.Name.Length + fixedExtra) % Alignment) % Alignment);
        using var header = new MemoryStream();
        U32(header, 0x04034b50);
        Common(header, entry, wide);
        U16(header, (ushort)(fixedExtra + padding));
        header.Write(entry.Name);
        if (wide)
        {
            U16(header, Zip64Id);
            U16(header, 16);
            U64(header, length);
            U64(header, length);
        }
        U16(header, PaddingId);
        U16(header, (ushort)padding);
        header.Write(new byte[padding]);
        header.WriteTo(stream);
        _entries.Add(entry);
    }

    /// <summary>The next bytes of the entry that was begun last.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Entry entry = _entries[^1];
        entry.Left -= bytes.Length;
        if (entry.Left < 0) throw new InvalidOperationException($"The entry '{Encoding.UTF8.GetString(entry.Name)}' was begun with {entry.Length} bytes; more were written.");
        entry.Crc = Crc32.Update(entry.Crc, bytes);
        stream.Write(bytes);
        if (entry.Left == 0) PatchCrc(entry);
    }

    /// <summary>A whole entry.</summary>
    public void Add(string name, ReadOnlySpan<byte> bytes)
    {
        Begin(name, bytes.Length);
        Write(bytes);
    }

    /// <summary>Writes the directory; nothing can be added afterwards.</summary>
    public void Finish()
    {
        if (_entries.FirstOrDefault(e => e.Left > 0) is { } short_) throw new InvalidOperationException($"The entry '{Encoding.UTF8.GetString(short_.Name)}' lacks {short_.Left} of {short_.Length} bytes.");
        long start = stream.Position;
        foreach (Entry entry in _entries) WriteCentral(entry);
        long size = stream.Position - start;
        WriteEnd(start, size);
        stream.Flush();
    }

    private void PatchCrc(Entry entry)
    {
        long end = stream.Position;
        Span<byte> crc = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(crc, entry.Crc);
        stream.Position = entry.Offset + CrcPlace;
        stream.Write(crc);
        stream.Position = end;
    }

    private void WriteCentral(Entry entry)
    {
        bool wide = entry.Length >= Narrow, far = entry.Offset >= Narrow;
        int extra = (wide ? 16 : 0) + (far ? 8 : 0);
        U32(stream, 0x02014b50);
        U16(stream, Version);
        Common(stream, entry, wide);
        U16(stream, (ushort)(extra == 0 ? 0 : extra + 4));
        U16(stream, 0);     // comment
        U16(stream, 0);     // disk
        U16(stream, 0);     // internal attributes
        U32(stream, 0);     // external attributes
        U32(stream, far ? uint.MaxValue : (uint)entry.Offset);
        stream.Write(entry.Name);
        if (extra == 0) return;
        U16(stream, Zip64Id);
        U16(stream, (ushort)extra);
        if (wide)
        {
            U64(stream, entry.Length);
            U64(stream, entry.Length);
        }
        if (far) U64(stream, entry.Offset);
    }

    private void WriteEnd(long start, long size)
    {
        long end = stream.Position;
        bool wide = start >= Narrow || size >= Narrow || _entries.Count >= ushort.MaxValue;
        if (wide)
        {
            U32(stream, 0x06064b50);
            U64(stream, 44);
            U16(stream, Version);
            U16(stream, Version);
            U32(stream, 0);
            U32(stream, 0);
            U64(stream, _entries.Count);
            U64(stream, _entries.Count);
            U64(stream, size);
            U64(stream, start);
            U32(stream, 0x07064b50);
            U32(stream, 0);
            U64(stream, end);
            U32(stream, 1);
        }
        U32(stream, 0x06054b50);
        U16(stream, 0);
        U16(stream, 0);
        U16(stream, (ushort)Math.Min(_entries.Count, ushort.MaxValue));
        U16(stream, (ushort)Math.Min(_entries.Count, ushort.MaxValue));
        U32(stream, wide ? uint.MaxValue : (uint)size);
        U32(stream, wide ? uint.MaxValue : (uint)start);
        U16(stream, 0);
    }

    /// <summary>From the version that is needed to the length of the name, as local and central headers have it.</summary>
    private static void Common(Stream target, Entry entry, bool wide)
    {
        U16(target, Version);
        U16(target, 0);     // flags
        U16(target, 0);     // stored
        U16(target, 0);     // time
        U16(target, 0x21);  // 1 January 1980: files of equal content are equal
        U32(target, entry.Crc);
        U32(target, wide ? uint.MaxValue : (uint)entry.Length);
        U32(target, wide ? uint.MaxValue : (uint)entry.Length);
        U16(target, (ushort)entry.Name.Length);
    }

    private static void U16(Stream target, ushort value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, value);
        target.Write(bytes);
    }

    private static void U32(Stream target, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        target.Write(bytes);
    }

    private static void U64(Stream target, long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        target.Write(bytes);
    }

    private sealed class Entry(byte[] name, long offset, long length)
    {
        public byte[] Name { get; } = name;

        public long Offset { get; } = offset;

        public long Length { get; } = length;

        public long Left { get; set; } = length;

        public uint Crc { get; set; }
    }
}
