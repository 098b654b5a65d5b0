namespace Microsoft.ML.MetaMorph;

/// <summary>All added tokens of a tokenizer.</summary>
internal sealed class AddedVocabulary
{
    private readonly Dictionary<int, AddedToken> _byId = [];
    private readonly Dictionary<string, AddedToken> _byContent = [];
    private readonly AddedTokenFinder _raw;
    private readonly AddedTokenFinder _normalized;
    private readonly TextNormalizer? _normalizer;

    public AddedVocabulary(IEnumerable<AddedToken> tokens, TextNormalizer? normalizer)
    {
        _normalizer = normalizer;
        foreach (AddedToken token in tokens)
        {
            _byId[token.Id] = token;
            _byContent[token.Content] = token;
        }
        _raw = new AddedTokenFinder(_byContent.Values.Where(t => !t.Normalized).Select(t => (t.Content, t)));
        _normalized = new AddedTokenFinder(_byContent.Values.Where(t => t.Normalized).Select(t => (normalizer?.Normalize(t.Content) ?? t.Content, t)));
    }

    public IReadOnlyCollection<AddedToken> Tokens => _byContent.Values;

    public AddedToken? Find(int id) => _byId.GetValueOrDefault(id);

    public AddedToken? Find(string content) => _byContent.GetValueOrDefault(content);

    public bool IsSpecial(string content) => Find(content) is { Special: true };

    /// <summary>The text cut at added tokens, with what lies between them normalised. <c>BeginsText</c> is true for what begins the original text.</summary>
    public IEnumerable<(string Text, AddedToken? Token, bool BeginsText)> Split(string text)
    {
        foreach ((int start, int end, AddedToken? token) in _raw.Parts(text))
        {
            string part = text[start..end];
            if (token is not null)
            {
                yield return (part, token, start == 0);
                continue;
            }
            bool keepsStart = start == 0 && (_normalizer is null || _normalizer.KeepsStart(part));
            string normalized = _normalizer?.Normalize(part) ?? part;
            foreach ((int from, int to, AddedToken? inner) in _normalized.Parts(normalized))
            {
                yield return (normalized[from..to], inner, keepsStart && from == 0);
            }
        }
    }
}
