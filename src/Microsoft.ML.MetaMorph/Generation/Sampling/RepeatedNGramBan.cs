namespace Microsoft.ML.MetaMorph;

/// <summary>Bans every token that would complete an n-gram that the prompt or the answer already holds.</summary>
internal static class RepeatedNGramBan
{
    /// <param name="logits">One row of logits; banned tokens become −∞.</param>
    /// <param name="history">The ids of prompt and answer. Images stand in it as one placeholder (below 0), which equals nothing, not even another image.</param>
    /// <param name="size">The length of the n-gram; 0 bans nothing, 1 bans every id seen.</param>
    public static void Apply(Span<float> logits, ReadOnlySpan<int> history, int size)
    {
        if (size <= 0 || history.Length < size) return;
        ReadOnlySpan<int> prefix = history[(history.Length - size + 1)..];
        foreach (int id in prefix)
            if (id < 0) return;
        for (int start = 0; start + size <= history.Length; start++)
        {
            int next = history[start + size - 1];
            if ((uint)next < (uint)logits.Length && history.Slice(start, size - 1).SequenceEqual(prefix)) logits[next] = float.NegativeInfinity;
        }
    }
}
