using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>SentencePiece's compiled character map: a double-array trie from UTF-8 bytes to replacement strings.</summary>
internal sealed class PrecompiledNormalizer : TextNormalizer
{
    private readonly uint[] _units;
    private readonly byte[] _replacements;
    private readonly TokenizerSection _section;

    private PrecompiledNormalizer(uint[] units, byte[] replacements, TokenizerSection section)
    {
        _section = section;
        _units = units;
        _replacements = replacements;
    }

    public new static PrecompiledNormalizer Read(TokenizerSection section)
    {
        byte[] map = Decode(section);
        if (map.Length < 4) throw section.Wrong($"has a 'precompiled_charsmap' of {map.Length} bytes; it begins with a size of 4");
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(map);
        if (size % 4 != 0 || size > map.Length - 4) throw section.Wrong($"has a 'precompiled_charsmap' whose table of {size} bytes does not fit its {map.Length} bytes");
        var units = new uint[size / 4];
        for (int i = 0; i < units.Length; i++) units[i] = BinaryPrimitives.ReadUInt32LittleEndian(map.AsSpan(4 + 4 * i));
        return new PrecompiledNormalizer(units, map[(int)(4 + size)..], section);
    }

    public override string Normalize(string original) => Normalize(original, Limit(original));

    public override string Normalize(string original, long limit)
    {
        var result = new StringBuilder(original.Length);
        TextElementEnumerator graphemes = StringInfo.GetTextElementEnumerator(original);
        while (graphemes.MoveNext())
        {
            string grapheme = graphemes.GetTextElement();
            if (Encoding.UTF8.GetByteCount(grapheme) < 6 && Replacement(grapheme) is { } whole) result.Append(whole);
            else AppendCharacters(grapheme, result);
            if (result.Length > limit) throw Grown(_section, original.Length, result.Length, limit);
        }
        return result.ToString();
    }

    public override bool KeepsStart(string original) => original.Length == 0 || Normalize(StringInfo.GetNextTextElement(original)).Length > 0;

    private void AppendCharacters(string grapheme, StringBuilder result)
    {
        foreach (Rune rune in grapheme.EnumerateRunes())
        {
            string character = rune.ToString();
            result.Append(Replacement(character) ?? character);
        }
    }

    /// <summary>What the shortest known prefix of <paramref name="text"/> maps to: SentencePiece's users rely on the first hit.</summary>
    private string? Replacement(string text)
    {
        if (_units.Length == 0) return null;
        uint node = Offset(_units[0]);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            node ^= b;
            if (b == 0 || node >= _units.Length || Label(_units[node]) != b) return null;
            uint unit = _units[node];
            node ^= Offset(unit);
            if ((unit >> 8 & 1) == 1) return node < _units.Length ? StringAt(_units[node] & 0x7FFFFFFF) : null;
        }
        return null;
    }

    private string? StringAt(uint index)
    {
        if (index >= _replacements.Length) return null;
        ReadOnlySpan<byte> rest = _replacements.AsSpan((int)index);
        int end = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }

    private static uint Label(uint unit) => unit & 0x800000FF;

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 1 << 9) >> 6);

    private static byte[] Decode(TokenizerSection section)
    {
        string text = section.Text("precompiled_charsmap");
        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException malformed)
        {
            throw section.Wrong("has a 'precompiled_charsmap' that is not base64", malformed);
        }
    }
}
