using System.Text;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>
/// Tokenizers that can be followed by eye: special tokens are whole, text is cut greedily into the longest known pieces, else into characters.
/// </summary>
internal sealed class ToyTokenizer : IConversationTokenizer
{
    private readonly List<string> _tokens;
    private readonly string[] _special;
    private readonly string[] _pieces;
    private readonly string? _begin;
    private readonly string _prefix;

    /// <param name="special">Added tokens.</param>
    /// <param name="pieces">Longer pieces of text.</param>
    /// <param name="begin">A token put before every text when special tokens are asked for.</param>
    /// <param name="prefix">What the normaliser puts before each stretch of text between special tokens, as Llama 2's does.</param>
    public ToyTokenizer(string[] special, string[]? pieces = null, string? begin = null, string prefix = "")
    {
        _special = special;
        _pieces = [.. (pieces ?? []).OrderByDescending(p => p.Length)];
        _begin = begin;
        _prefix = prefix;
        _tokens = [.. special, .. _pieces];
    }

    public static string[] MetaMorphSpecials { get; } = [.. MetaMorphChatFormat.Tokens, ImageMarks.Start, ImageMarks.End];

    public int[] Encode(string text, bool addSpecialTokens)
    {
        var ids = new List<int>();
        if (addSpecialTokens && _begin is not null) ids.Add(_tokens.IndexOf(_begin));
        for (int at = 0; at < text.Length;)
        {
            string? special = _special.FirstOrDefault(s => text.AsSpan(at).StartsWith(s));
            if (special is not null)
            {
                ids.Add(_tokens.IndexOf(special));
                at += special.Length;
                continue;
            }
            int end = _special.Select(s => text.IndexOf(s, at, StringComparison.Ordinal)).Where(i => i >= 0).DefaultIfEmpty(text.Length).Min();
            ids.AddRange(Pieces(_prefix + text[at..end]));
            at = end;
        }
        return [.. ids];
    }

    public string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens)
    {
        var text = new StringBuilder();
        foreach (int id in ids) text.Append(Text(id));
        return text.ToString();
    }

    public int? TokenId(string token) => _tokens.IndexOf(token) is >= 0 and var id ? id : null;

    public string Text(int id) => id < _tokens.Count ? _tokens[id] : ((char)(id - 1000)).ToString();

    private IEnumerable<int> Pieces(string text)
    {
        for (int at = 0; at < text.Length;)
        {
            string? piece = _pieces.FirstOrDefault(p => text.AsSpan(at).StartsWith(p));
            yield return piece is null ? 1000 + text[at] : _tokens.IndexOf(piece);
            at += piece?.Length ?? 1;
        }
    }
}
