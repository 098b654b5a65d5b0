namespace Microsoft.ML.MetaMorph;

/// <summary>Tokens and their ids, both ways.</summary>
internal sealed class TokenVocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<int, string> _tokens;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    public TokenVocabulary(Dictionary<string, int> ids)
    {
        _ids = ids;
        _tokens = new Dictionary<int, string>(ids.Count);
        foreach ((string token, int id) in ids) _tokens[id] = token;
        _lookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public int Count => _ids.Count;

    public IEnumerable<KeyValuePair<string, int>> Entries => _ids;

    public static TokenVocabulary Read(TokenizerSection section)
    {
        var ids = new Dictionary<string, int>();
        foreach ((string token, TokenizerSection id) in section.Required("vocab").Entries()) ids[token] = id.AsTokenId();
        return new TokenVocabulary(ids);
    }

    public int? Id(ReadOnlySpan<char> token) => _lookup.TryGetValue(token, out int id) ? id : null;

    public string? Token(int id) => _tokens.GetValueOrDefault(id);

    public int Require(string token, TokenizerSection section, string role) => Id(token) ?? throw section.Wrong($"names '{token}' as its {role}, which is not in the vocabulary of {Count} tokens");
}
