using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>The tokens <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>, which spell what a SentencePiece vocabulary has no token for.</summary>
internal sealed class ByteTokens(Func<string, int?> find)
{
    private readonly int?[] _ids = [.. Enumerable.Range(0, 256).Select(b => find(Name((byte)b)))];

    public static string Name(byte value) => $"<0x{value:X2}>";

    /// <summary>The byte that a token stands for.</summary>
    public static bool TryByte(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && char.IsAsciiHexDigit(token[3]) && char.IsAsciiHexDigit(token[4])
            && byte.TryParse(token.AsSpan(3, 2), System.Globalization.NumberStyles.AllowHexSpecifier, null, out value);
    }

    /// <summary>The ids of the text's bytes, or null where one of them has no token.</summary>
    public List<(int Id, string Name)>? Spell(ReadOnlySpan<char> text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        var tokens = new List<(int, string)>(bytes.Length);
        foreach (byte b in bytes)
        {
            if (_ids[b] is not { } id) return null;
            tokens.Add((id, Name(b)));
        }
        return tokens;
    }
}
