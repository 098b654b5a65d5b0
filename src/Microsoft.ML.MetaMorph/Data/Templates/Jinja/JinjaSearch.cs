namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Finds a text in another in time that grows with their lengths alone (Knuth, Morris and Pratt). The platform's search takes the product of
/// both where they nearly match everywhere, so it does for short parts only.
/// </summary>
internal sealed class JinjaSearch(string part)
{
    private const int ShortPart = 16;

    private readonly int[] _forward = part.Length > ShortPart ? Borders(part, fromEnd: false) : [];
    private int[]? _backward;

    /// <summary>Where the part stands first in <paramref name="text"/>, from <paramref name="from"/> on; −1 where nowhere.</summary>
    public int First(string text, int from = 0)
    {
        if (part.Length <= ShortPart) return text.IndexOf(part, from, StringComparison.Ordinal);
        int end = Walk(text.Length - from, i => text[from + i], i => part[i], _forward);
        return end < 0 ? -1 : from + end - part.Length;
    }

    /// <summary>Where the part stands last in the first <paramref name="end"/> characters; −1 where nowhere.</summary>
    public int Last(string text, int end)
    {
        if (part.Length <= ShortPart) return text.AsSpan(0, end).LastIndexOf(part);
        int length = Walk(end, i => text[end - 1 - i], i => part[part.Length - 1 - i], _backward ??= Borders(part, fromEnd: true));
        return length < 0 ? -1 : end - length;
    }

    private int Walk(int length, Func<int, char> text, Func<int, char> sought, int[] borders)
    {
        int matched = 0;
        for (int i = 0; i < length; i++)
        {
            while (matched > 0 && text(i) != sought(matched)) matched = borders[matched - 1];
            if (text(i) == sought(matched)) matched++;
            if (matched == part.Length) return i + 1;
        }
        return -1;
    }

    /// <summary>For every beginning of the part, how much of it ends it again.</summary>
    private static int[] Borders(string part, bool fromEnd)
    {
        var borders = new int[part.Length];
        int matched = 0;
        for (int i = 1; i < part.Length; i++)
        {
            while (matched > 0 && At(i) != At(matched)) matched = borders[matched - 1];
            if (At(i) == At(matched)) matched++;
            borders[i] = matched;
        }
        return borders;

        char At(int index) => fromEnd ? part[part.Length - 1 - index] : part[index];
    }
}
