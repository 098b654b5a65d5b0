namespace Microsoft.ML.MetaMorph;

/// <summary>Finds every token that begins at a place of a text, shortest first.</summary>
internal sealed class TokenTrie
{
    private readonly Dictionary<(int Node, char Character), int> _edges = [];
    private readonly List<int> _ids = [-1];

    public void Add(string token, int id)
    {
        int node = 0;
        foreach (char character in token)
        {
            if (!_edges.TryGetValue((node, character), out int next))
            {
                next = _ids.Count;
                _edges.Add((node, character), next);
                _ids.Add(-1);
            }
            node = next;
        }
        _ids[node] = id;
    }

    public void Match(ReadOnlySpan<char> text, List<(int Length, int Id)> matches)
    {
        matches.Clear();
        int node = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (!_edges.TryGetValue((node, text[i]), out node)) return;
            if (_ids[node] >= 0) matches.Add((i + 1, _ids[node]));
        }
    }
}
