namespace Microsoft.ML.MetaMorph;

/// <summary>Tokenizes a text that is divided into parts, so that it is known which tokens belong to which part.</summary>
internal static class LabelledText
{
    /// <summary>
    /// The ids of each part. The text is tokenized as a whole wherever no token crosses a border. Where one does, the parts are tokenized
    /// apart if that says the same (a model that generates meets the prompt's tokens, then its own); a tokenizer that would add something to
    /// each part (a leading space) keeps the whole's tokens, and a token that crosses a border belongs to the later part.
    /// </summary>
    public static int[][] Encode(IConversationTokenizer tokenizer, IReadOnlyList<string> parts)
    {
        string text = string.Concat(parts);
        int[] whole = tokenizer.Encode(text, false);
        if (parts.Count == 1) return [whole];
        int[] borders = new int[parts.Count + 1];
        borders[^1] = whole.Length;
        bool clean = true;
        for (int i = 1, length = 0; i < parts.Count; i++)
        {
            length += parts[i - 1].Length;
            int[] before = tokenizer.Encode(text[..length], false);
            int shared = before.AsSpan().CommonPrefixLength(whole);
            clean &= shared == before.Length;
            borders[i] = Math.Max(shared, borders[i - 1]);
        }
        if (!clean && Apart(tokenizer, parts, whole) is { } apart) return apart;
        return [.. Enumerable.Range(0, parts.Count).Select(i => whole[borders[i]..borders[i + 1]])];
    }

    private static int[][]? Apart(IConversationTokenizer tokenizer, IReadOnlyList<string> parts, int[] whole)
    {
        int[][] apart = [.. parts.Select(part => tokenizer.Encode(part, false))];
        return tokenizer.Decode([.. apart.SelectMany(ids => ids)], false) == tokenizer.Decode(whole, false) ? apart : null;
    }
}
