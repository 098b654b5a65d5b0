namespace Microsoft.ML.MetaMorph;

/// <summary>An encoded text: ids, the spelling of each token, and which text of a pair it belongs to.</summary>
internal sealed class TokenizerEncoding
{
    public List<int> Ids { get; } = [];

    public List<string> Tokens { get; } = [];

    public List<int> TypeIds { get; } = [];

    public void Add(int id, string token, int typeId)
    {
        Ids.Add(id);
        Tokens.Add(token);
        TypeIds.Add(typeId);
    }
}
