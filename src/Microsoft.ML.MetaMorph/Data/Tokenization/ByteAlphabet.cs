using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>The printable characters that stand for the 256 bytes in a byte-level vocabulary (GPT-2's table).</summary>
internal static class ByteAlphabet
{
    private static readonly char[] CharacterOfByte = MakeTable();
    private static readonly Dictionary<char, byte> ByteOfCharacter = CharacterOfByte.Select((c, b) => (c, (byte)b)).ToDictionary(x => x.c, x => x.Item2);

    public static char Character(byte value) => CharacterOfByte[value];

    public static bool TryByte(char character, out byte value) => ByteOfCharacter.TryGetValue(character, out value);

    /// <summary>The text's UTF-8 bytes, one character each.</summary>
    public static string Encode(ReadOnlySpan<char> text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        return string.Create(bytes.Length, bytes, static (target, source) =>
        {
            for (int i = 0; i < source.Length; i++) target[i] = CharacterOfByte[source[i]];
        });
    }

    private static char[] MakeTable()
    {
        var table = new char[256];
        int next = 256;
        for (int b = 0; b < 256; b++) table[b] = IsPrintable(b) ? (char)b : (char)next++;
        return table;
    }

    private static bool IsPrintable(int b) => b is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE and <= 0xFF;
}
