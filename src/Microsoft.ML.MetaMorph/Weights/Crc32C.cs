using System.Buffers.Binary;
using System.Numerics;

namespace Microsoft.ML.MetaMorph;

/// <summary>The checksum of iSCSI (RFC 3720, Castagnoli's polynomial), which processors compute faster than disks read.</summary>
internal static class Crc32C
{
    private const int BufferBytes = 1 << 20;

    /// <summary>The checksum of what came before and <paramref name="bytes"/>; 0 before anything.</summary>
    public static uint Update(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint value = ~crc;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..]) value = BitOperations.Crc32C(value, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (byte next in bytes) value = BitOperations.Crc32C(value, next);
        return ~value;
    }

    /// <summary>The checksum of a file.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static uint OfFile(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        var buffer = new byte[BufferBytes];
        uint crc = 0;
        for (int read; (read = file.Read(buffer)) > 0;) crc = Update(crc, buffer.AsSpan(0, read));
        return crc;
    }
}
