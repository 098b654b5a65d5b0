using System.Buffers;

namespace Microsoft.ML.MetaMorph;

/// <summary>Makes every token that has been seen less likely: positive logits are divided by the penalty, negative ones multiplied (Keskar et al. 2019, section 4.1).</summary>
internal static class RepetitionPenalty
{
    /// <param name="logits">One row of logits, changed in place.</param>
    /// <param name="history">The ids of prompt and answer; placeholders (below 0) are passed over. An id counts once, however often it occurs.</param>
    /// <param name="penalty">1 changes nothing; above 1 discourages, below 1 encourages.</param>
    public static void Apply(Span<float> logits, ReadOnlySpan<int> history, float penalty)
    {
        if (penalty == 1) return;
        ulong[] seen = ArrayPool<ulong>.Shared.Rent((logits.Length + 63) / 64);
        try
        {
            seen.AsSpan(0, (logits.Length + 63) / 64).Clear();
            foreach (int id in history)
            {
                if ((uint)id >= (uint)logits.Length) continue;
                ulong bit = 1ul << (id & 63);
                if ((seen[id >> 6] & bit) != 0) continue;
                seen[id >> 6] |= bit;
                logits[id] = logits[id] > 0 ? logits[id] / penalty : logits[id] * penalty;
            }
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(seen);
        }
    }
}
