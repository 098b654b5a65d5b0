using System.Globalization;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Python's backslash escapes.</summary>
internal static class JinjaStringLiteral
{
    public static string Unescape(ReadOnlySpan<char> text, int line)
    {
        if (!text.Contains('\\')) return text.ToString();
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            if (text[i] != '\\') result.Append(text[i++]);
            else i += Escape(text[i..], result, line);
        }
        return result.ToString();
    }

    /// <summary>Appends what the escape at the start means and tells how long it is.</summary>
    private static int Escape(ReadOnlySpan<char> text, StringBuilder result, int line)
    {
        char c = text[1];
        switch (c)
        {
            case '\n': return 2;
            case '\\' or '\'' or '"': result.Append(c); return 2;
            case 'a': result.Append('\a'); return 2;
            case 'b': result.Append('\b'); return 2;
            case 'f': result.Append('\f'); return 2;
            case 'n': result.Append('\n'); return 2;
            case 'r': result.Append('\r'); return 2;
            case 't': result.Append('\t'); return 2;
            case 'v': result.Append('\v'); return 2;
            case 'x': return Hexadecimal(text, 2, result, line);
            case 'u': return Hexadecimal(text, 4, result, line);
            case 'U': return Hexadecimal(text, 8, result, line);
            case >= '0' and <= '7': return Octal(text, result);
            default: result.Append('\\').Append(c); return 2; // an unknown escape stays as it is
        }
    }

    private static int Hexadecimal(ReadOnlySpan<char> text, int digits, StringBuilder result, int line)
    {
        if (text.Length < 2 + digits || !uint.TryParse(text.Slice(2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint code) || code > 0x10FFFF)
        {
            throw new JinjaError(JinjaError.Syntax, $"the escape '{text[..Math.Min(text.Length, 2 + digits)]}' is no character", line);
        }
        if (code <= 0xFFFF) result.Append((char)code);
        else result.Append(char.ConvertFromUtf32((int)code));
        return 2 + digits;
    }

    private static int Octal(ReadOnlySpan<char> text, StringBuilder result)
    {
        int length = 1, code = 0;
        while (length < 4 && length < text.Length && text[length] is >= '0' and <= '7') code = code * 8 + (text[length++] - '0');
        result.Append((char)code);
        return length;
    }
}
