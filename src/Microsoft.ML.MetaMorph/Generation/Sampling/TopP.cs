using System.Buffers;

namespace Microsoft.ML.MetaMorph;

/// <summary>Nucleus sampling (Holtzman et al. 2020): removes tokens from the least likely up while their cumulative probability stays within 1 − p; at least one is kept.</summary>
internal static class TopP
{
    private const int SortedDirectly = 64;

    /// <param name="logits">One row of logits; removed tokens become −∞.</param>
    /// <param name="p">1 removes nothing; 0 keeps the most likely token alone.</param>
    public static void Apply(Span<float> logits, double p)
    {
        if (p >= 1) return;
        float[] rented = ArrayPool<float>.Shared.Rent(2 * logits.Length);
        try
        {
            Span<float> masses = rented.AsSpan(0, logits.Length), candidates = rented.AsSpan(logits.Length, logits.Length);
            double total = Softmax.Exponentials(logits, masses);
            if (total == 0) return;                                        // everything is banned already
            masses.CopyTo(candidates);
            (float cutoff, int tiesToRemove) = Cutoff(candidates, (1 - p) * total);
            for (int i = 0; i < logits.Length; i++)
            {
                bool removed = masses[i] < cutoff || (masses[i] == cutoff && tiesToRemove-- > 0);
                if (removed) logits[i] = float.NegativeInfinity;
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(rented);
        }
    }

    /// <summary>
    /// The smallest mass that stays, and how many of its equals (in order of ids) go. A weighted selection instead of a sort: each
    /// round looks only at the side of the pivot where the budget ends.
    /// </summary>
    private static (float Cutoff, int TiesToRemove) Cutoff(Span<float> candidates, double budget)
    {
        while (candidates.Length > SortedDirectly)
        {
            float pivot = MedianOfThree(candidates[0], candidates[candidates.Length / 2], candidates[^1]);
            (int less, int equal, double lessMass) = Partition(candidates, pivot);
            if (lessMass > budget)
            {
                candidates = candidates[..less];
                continue;
            }
            budget -= lessMass;
            bool pivotIsLargest = less + equal == candidates.Length;
            if (pivotIsLargest || (double)pivot * equal > budget) return (pivot, Ties(pivot, equal, budget, pivotIsLargest));
            budget -= (double)pivot * equal;
            candidates = candidates[(less + equal)..];
        }
        return CutoffOfSorted(candidates, budget);
    }

    private static (float Cutoff, int TiesToRemove) CutoffOfSorted(Span<float> candidates, double budget)
    {
        candidates.Sort();
        int begin = 0;
        while (true)
        {
            float mass = candidates[begin];
            int end = begin + 1;
            while (end < candidates.Length && candidates[end] == mass) end++;
            bool last = end == candidates.Length;
            if (last || (double)mass * (end - begin) > budget) return (mass, Ties(mass, end - begin, budget, last));
            budget -= (double)mass * (end - begin);
            begin = end;
        }
    }

    private static int Ties(float mass, int count, double budget, bool largest)
    {
        int fits = mass > 0 ? (int)Math.Min(count, budget / mass) : count;
        return largest ? Math.Min(fits, count - 1) : fits;
    }

    private static (int Less, int Equal, double LessMass) Partition(Span<float> values, float pivot)
    {
        int less = 0, next = 0, greater = values.Length;
        double mass = 0;
        while (next < greater)
        {
            float value = values[next];
            if (value < pivot)
            {
                mass += value;
                (values[less], values[next]) = (value, values[less]);
                less++;
                next++;
            }
            else if (value > pivot)
            {
                greater--;
                (values[next], values[greater]) = (values[greater], value);
            }
            else
            {
                next++;
            }
        }
        return (less, greater - less, mass);
    }

    private static float MedianOfThree(float a, float b, float c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
}
