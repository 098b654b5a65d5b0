namespace Microsoft.ML.MetaMorph;

/// <summary>The checksum of zip files (ISO 3309, polynomial 0xEDB88320).</summary>
internal static class Crc32
{
    private static readonly uint[] Table = Build();

    /// <summary>The checksum of what came before and <paramref name="bytes"/>; 0 before anything.</summary>
    public static uint Update(uint crc, ReadOnlySpan<byte> bytes)
    {
        uint value = ~crc;
        foreach (byte next in bytes) value = Table[(byte)(value ^ next)] ^ (value >> 8);
        return ~value;
    }

    private static uint[] Build()
    {
        var table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint value = i;
            for (int bit = 0; bit < 8; bit++) value = (value & 1) == 1 ? 0xEDB88320 ^ (value >> 1) : value >> 1;
            table[i] = value;
        }
        return table;
    }
}
