using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Which pairs of tokens merge into which, and in what order.</summary>
internal sealed class MergeTable
{
    private readonly Dictionary<(int Left, int Right), (int Rank, int Id)> _merges = [];

    /// <summary>Reads merges written as <c>"a b"</c> or as <c>["a", "b"]</c>.</summary>
    public static MergeTable Read(TokenizerSection section, TokenVocabulary vocabulary, string? continuingSubwordPrefix)
    {
        var table = new MergeTable();
        int rank = 0;
        foreach (TokenizerSection merge in section.Required("merges").Items())
        {
            (string left, string right) = ReadPair(merge);
            string tail = continuingSubwordPrefix is not null && right.StartsWith(continuingSubwordPrefix, StringComparison.Ordinal) ? right[continuingSubwordPrefix.Length..] : right;
            table._merges[(Require(left), Require(right))] = (rank++, Require(left + tail));

            int Require(string token) => vocabulary.Id(token) ?? throw merge.Wrong($"merges '{left}' and '{right}', but '{token}' is not in the vocabulary of {vocabulary.Count} tokens");
        }
        return table;
    }

    public bool TryMerge(int left, int right, out int rank, out int id)
    {
        bool found = _merges.TryGetValue((left, right), out (int Rank, int Id) merge);
        (rank, id) = merge;
        return found;
    }

    private static (string Left, string Right) ReadPair(TokenizerSection merge)
    {
        if (merge.Element.ValueKind == JsonValueKind.Array)
        {
            string[] parts = [.. merge.Items().Select(p => p.AsText())];
            return parts.Length == 2 ? (parts[0], parts[1]) : throw merge.Wrong($"holds {parts.Length} tokens; a merge is a pair");
        }
        string text = merge.AsText();
        int blank = text.IndexOf(' ');
        if (blank <= 0 || blank != text.LastIndexOf(' ') || blank == text.Length - 1) throw merge.Wrong($"is '{text}'; a merge is two tokens with one blank between them");
        return (text[..blank], text[(blank + 1)..]);
    }
}
