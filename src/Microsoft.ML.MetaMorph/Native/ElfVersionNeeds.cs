using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Edits the version requirements (<c>.gnu.version_r</c>) of an ELF64 little-endian image held in memory.
/// </summary>
internal static class ElfVersionNeeds
{
    private const uint SectionTypeVersionNeeds = 0x6ffffffe;
    private const ushort WeakFlag = 2;

    /// <summary>
    /// Marks every requirement of <paramref name="version"/> as weak, so that the loader accepts a library that lacks it.
    /// </summary>
    /// <returns>How many requirements were changed; 0 when the image does not ask for that version, or is no such image.</returns>
    /// <exception cref="InvalidDataException">The image is cut off or points outside itself.</exception>
    public static int Weaken(byte[] image, string version)
    {
        if (!IsElf64(image)) return 0;
        try
        {
            return WeakenAll(image, version);
        }
        catch (Exception failure) when (failure is ArgumentOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException($"The library's table of versions points outside of its {image.Length} bytes.", failure);
        }
    }

    private static int WeakenAll(byte[] image, string version)
    {
        int changed = 0;
        foreach (long auxiliary in Requirements(image, version))
        {
            Span<byte> flags = image.AsSpan((int)auxiliary + 4, 2);
            ushort value = BinaryPrimitives.ReadUInt16LittleEndian(flags);
            if ((value & WeakFlag) != 0) continue;
            BinaryPrimitives.WriteUInt16LittleEndian(flags, (ushort)(value | WeakFlag));
            changed++;
        }
        return changed;
    }

    private static bool IsElf64(byte[] image)
        => image.Length > 64 && image.AsSpan(0, 4).SequenceEqual("\u007fELF"u8) && image[4] == 2 && image[5] == 1;

    /// <summary>The offsets of the <c>Elf64_Vernaux</c> entries that name <paramref name="version"/>.</summary>
    private static IEnumerable<long> Requirements(byte[] image, string version)
    {
        long sections = (long)U64(image, 0x28);
        int sectionSize = U16(image, 0x3A), sectionCount = U16(image, 0x3C);
        for (int i = 0; i < sectionCount; i++)
        {
            long section = sections + i * sectionSize;
            if (U32(image, section + 4) != SectionTypeVersionNeeds) continue;
            long strings = (long)U64(image, sections + U32(image, section + 0x28) * sectionSize + 0x18);
            long need = (long)U64(image, section + 0x18);
            for (uint remaining = U32(image, section + 0x2C); remaining > 0; remaining--)
            {
                long auxiliary = need + U32(image, need + 8);
                for (int k = U16(image, need + 2); k > 0; k--)
                {
                    if (StringAt(image, strings + U32(image, auxiliary + 8)) == version) yield return auxiliary;
                    auxiliary += U32(image, auxiliary + 12);
                }
                need += U32(image, need + 12);
            }
        }
    }

    private static string StringAt(byte[] image, long offset)
    {
        ReadOnlySpan<byte> tail = image.AsSpan(checked((int)offset));
        return Encoding.ASCII.GetString(tail[..tail.IndexOf((byte)0)]);
    }

    private static ulong U64(byte[] image, long offset) => BinaryPrimitives.ReadUInt64LittleEndian(image.AsSpan(checked((int)offset)));

    private static uint U32(byte[] image, long offset) => BinaryPrimitives.ReadUInt32LittleEndian(image.AsSpan(checked((int)offset)));

    private static ushort U16(byte[] image, long offset) => BinaryPrimitives.ReadUInt16LittleEndian(image.AsSpan(checked((int)offset)));
}
