using System.Buffers.Binary;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Reads the bytes of a pickle; every length is checked against what is left before anything is allocated.</summary>
internal sealed class PickleCursor(Stream stream, string location)
{
    /// <summary>No name or number that is written as a line of text is longer.</summary>
    private const int LineLimit = 4096;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public long Position => stream.Position;

    public byte Byte()
    {
        int value = stream.ReadByte();
        return value >= 0 ? (byte)value : throw Ended();
    }

    public int UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(2));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Bytes(8));

    public double BigEndianDouble() => BinaryPrimitives.ReadDoubleBigEndian(Bytes(8));

    public byte[] Bytes(ulong count)
    {
        ulong left = (ulong)(stream.Length - stream.Position);
        if (count > left) throw new InvalidDataException($"'{location}': the pickle asks for {count} bytes at position {Position}, {left} are left.");
        var bytes = new byte[count];
        stream.ReadExactly(bytes);
        return bytes;
    }

    public string Text(ulong count)
    {
        byte[] bytes = Bytes(count);
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException broken)
        {
            throw new InvalidDataException($"'{location}': the pickle holds a string before position {Position} that is not UTF-8.", broken);
        }
    }

    /// <summary>Python 2's <c>str</c>: text where it is UTF-8, else one character a byte.</summary>
    public string ByteText(ulong count)
    {
        byte[] bytes = Bytes(count);
        return System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : Encoding.Latin1.GetString(bytes);
    }

    public string Line()
    {
        var line = new StringBuilder();
        for (byte next = Byte(); next != (byte)'\n'; next = Byte())
        {
            if (line.Length == LineLimit) throw new InvalidDataException($"'{location}': the pickle holds a line of more than {LineLimit} characters before position {Position}.");
            line.Append((char)next);
        }
        return line.ToString();
    }

    private InvalidDataException Ended() => new($"'{location}': the pickle ends at position {Position} before its STOP instruction; the file is truncated or of another kind.");
}
