using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Texts counted in characters, as Python does, not in UTF-16 units.</summary>
internal static class JinjaString
{
    public static long Length(string text) => HasPairs(text) ? text.EnumerateRunes().Count() : text.Length;

    public static IEnumerable<object?> Characters(string text) => HasPairs(text) ? text.EnumerateRunes().Select(r => (object?)r.ToString()) : text.Select(c => (object?)c.ToString());

    /// <summary>The character at an index, or null outside the text.</summary>
    public static string? At(string text, long index)
    {
        long length = Length(text);
        if (index < 0) index += length;
        if (index < 0 || index >= length) return null;
        return HasPairs(text) ? text.EnumerateRunes().ElementAt((int)index).ToString() : text[(int)index].ToString();
    }

    public static string Take(string text, IEnumerable<int> indices)
    {
        var result = new StringBuilder();
        if (HasPairs(text))
        {
            Rune[] runes = [.. text.EnumerateRunes()];
            foreach (int i in indices) result.Append(runes[i]);
        }
        else
        {
            foreach (int i in indices) result.Append(text[i]);
        }
        return result.ToString();
    }

    /// <summary>Python's <c>splitlines</c>.</summary>
    public static List<string> Lines(string text)
    {
        var lines = new List<string>();
        int start = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is not ('\n' or '\r' or '\v' or '\f' or '\x1c' or '\x1d' or '\x1e' or '\x85' or '\u2028' or '\u2029')) continue;
            lines.Add(text[start..i]);
            if (text[i] == '\r' && i + 1 < text.Length && text[i + 1] == '\n') i++;
            start = i + 1;
        }
        if (start < text.Length) lines.Add(text[start..]);
        return lines;
    }

    public static string Upper(string text) => text.ToUpperInvariant().Replace("ß", "SS", StringComparison.Ordinal);

    /// <summary>Lower case, with the sigma that ends a word.</summary>
    public static string Lower(string text)
    {
        string lower = UnicodeCharacter.Lowercase(text);
        if (!text.Contains('Σ')) return lower;
        return string.Concat(lower.Select((c, i) => c == 'σ' && i > 0 && char.IsLetter(lower[i - 1]) && (i + 1 == lower.Length || !char.IsLetter(lower[i + 1])) ? 'ς' : c));
    }

    public static string Capitalize(string text) => text.Length == 0 ? text : Upper(text[..1]) + Lower(text[1..]);

    /// <summary>Python's <c>str.title</c>: a letter after anything that is no letter is a capital.</summary>
    public static string Title(string text)
    {
        var result = new StringBuilder(text.Length);
        bool inWord = false;
        foreach (char c in text)
        {
            result.Append(inWord ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c));
            inWord = char.IsLetter(c);
        }
        return result.ToString();
    }

    private static bool HasPairs(string text) => text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');
}
