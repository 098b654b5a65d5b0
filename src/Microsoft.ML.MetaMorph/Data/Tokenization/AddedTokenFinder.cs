using System.Buffers;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Cuts a text at its added tokens: the leftmost, of those the longest.</summary>
internal sealed class AddedTokenFinder
{
    private readonly Dictionary<char, (string Spelling, AddedToken Token)[]> _byFirst;
    private readonly SearchValues<char> _first;

    /// <param name="tokens">The tokens with the spelling to look for.</param>
    public AddedTokenFinder(IEnumerable<(string Spelling, AddedToken Token)> tokens)
    {
        _byFirst = tokens.Where(t => t.Spelling.Length > 0)
            .GroupBy(t => t.Spelling[0])
            .ToDictionary(g => g.Key, g => g.OrderByDescending(t => t.Spelling.Length).ToArray());
        _first = SearchValues.Create([.. _byFirst.Keys]);
    }

    /// <summary>The parts of the text in order. They cover it; only where tokens are white space and strip do they overlap, as in the published library.</summary>
    public List<(int Start, int End, AddedToken? Token)> Parts(string text)
    {
        var parts = new List<(int Start, int End, AddedToken? Token)>();
        int previous = 0;
        for (int at = 0; Next(text, at) is { } match;)
        {
            (int start, int end, AddedToken token) = match;
            at = end;
            if (token.SingleWord && !StandsAlone(text, start, end)) continue;
            if (token.LeftStrip) start = Math.Max(text.AsSpan(0, start).TrimEnd().Length, previous);
            if (token.RightStrip) end = text.Length - text.AsSpan(end).TrimStart().Length;
            // a token that is itself white space may have been swallowed by the one before it
            if (start > end) continue;
            if (start > previous) parts.Add((previous, start, null));
            if (end > start) parts.Add((start, end, token));
            previous = end;
        }
        if (previous < text.Length) parts.Add((previous, text.Length, null));
        return parts;
    }

    private (int Start, int End, AddedToken Token)? Next(string text, int from)
    {
        while (true)
        {
            int offset = text.AsSpan(from).IndexOfAny(_first);
            if (offset < 0) return null;
            int at = from + offset;
            foreach ((string spelling, AddedToken token) in _byFirst[text[at]])
            {
                if (string.CompareOrdinal(text, at, spelling, 0, spelling.Length) == 0) return (at, at + spelling.Length, token);
            }
            from = at + 1;
        }
    }

    private static bool StandsAlone(string text, int start, int end)
    {
        Rune.DecodeLastFromUtf16(text.AsSpan(0, start), out Rune before, out int lengthBefore);
        Rune.DecodeFromUtf16(text.AsSpan(end), out Rune after, out int lengthAfter);
        return (lengthBefore == 0 || !UnicodeCharacter.IsWord(before)) && (lengthAfter == 0 || !UnicodeCharacter.IsWord(after));
    }
}
