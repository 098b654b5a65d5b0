using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a splitter or replacement looks for: a plain string or a regular expression.</summary>
internal sealed class TextPattern
{
    // far more than any text needs; a pattern made to backtrack for ever ends here
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly string? _literal;
    private readonly Regex? _regex;
    private readonly string _file;

    private TextPattern(string? literal, Regex? regex, string file)
    {
        _literal = literal;
        _regex = regex;
        _file = file;
    }

    /// <summary>Reads <c>{"String": …}</c>, <c>{"Regex": …}</c> or a bare string.</summary>
    public static TextPattern Read(TokenizerSection pattern)
    {
        if (pattern.Element.ValueKind == System.Text.Json.JsonValueKind.String) return Literal(pattern.AsText(), pattern);
        if (pattern.OptionalText("String") is { } text) return Literal(text, pattern);
        if (pattern.OptionalText("Regex") is not { } source) throw pattern.Wrong("must hold 'String' or 'Regex'");
        return FromRegex(source, pattern);
    }

    /// <summary>An expression of our own, known to be good.</summary>
    public static TextPattern FromRegex(string source) => new(null, Compile(source), "the built-in pattern");

    public static TextPattern FromRegex(string source, TokenizerSection place)
    {
        try
        {
            return new TextPattern(null, Compile(source), place.File);
        }
        catch (NotSupportedException unsupported)
        {
            throw place.Wrong($"cannot be used. {unsupported.Message}", unsupported);
        }
        catch (ArgumentException malformed)
        {
            throw place.Wrong($"is no regular expression: {malformed.Message}", malformed);
        }
    }

    /// <summary>The text cut along the matches: every character belongs to exactly one part, in order. Empty matches give empty parts.</summary>
    public List<(int Start, int End, bool IsMatch)> Parts(string text)
    {
        var parts = new List<(int, int, bool)>();
        int previous = 0;
        foreach ((int start, int end) in Matches(text))
        {
            if (start > previous) parts.Add((previous, start, false));
            parts.Add((start, end, true));
            previous = end;
        }
        if (previous < text.Length) parts.Add((previous, text.Length, false));
        return parts;
    }

    public string Replace(string text, string replacement)
    {
        if (_literal is not null) return text.Replace(_literal, replacement, StringComparison.Ordinal);
        var result = new System.Text.StringBuilder(text.Length);
        foreach ((int start, int end, bool isMatch) in Parts(text))
        {
            if (isMatch) result.Append(replacement);
            else result.Append(text, start, end - start);
        }
        return result.ToString();
    }

    /// <summary>How long <see cref="Replace"/> would make a text.</summary>
    public long ReplacedLength(string text, string replacement) => Parts(text).Sum(part => part.IsMatch ? (long)replacement.Length : part.End - part.Start);

    /// <summary>The length of the literal, or null for an expression.</summary>
    public int? LiteralLength => _literal?.Length;

    private static TextPattern Literal(string text, TokenizerSection place) => text.Length > 0 ? new TextPattern(text, null, place.File) : throw place.Wrong("is an empty pattern");

    private static Regex Compile(string source) => new(OnigurumaPattern.ToDotNet(source), RegexOptions.CultureInvariant | RegexOptions.Multiline | RegexOptions.Compiled, Limit);

    private List<(int Start, int End)> Matches(string text)
    {
        var matches = new List<(int Start, int End)>();
        if (_literal is not null)
        {
            for (int at = text.IndexOf(_literal, StringComparison.Ordinal); at >= 0; at = text.IndexOf(_literal, at + _literal.Length, StringComparison.Ordinal))
            {
                matches.Add((at, at + _literal.Length));
            }
            return matches;
        }
        UnicodeStandIn standIn = UnicodeStandIn.Of(text);
        try
        {
            foreach (ValueMatch match in _regex!.EnumerateMatches(standIn.Text))
            {
                int start = standIn.Position(match.Index), end = standIn.Position(match.Index + match.Length);
                // Oniguruma gives no empty match right where the last match ended
                if (start < end || matches.Count == 0 || matches[^1].End != start) matches.Add((start, end));
            }
        }
        catch (RegexMatchTimeoutException timeout)
        {
            throw new InvalidDataException($"{_file}: the pattern '{_regex}' took longer than {Limit.TotalSeconds} s on a text of {text.Length} characters. The pattern is not fit for use.", timeout);
        }
        return matches;
    }
}
