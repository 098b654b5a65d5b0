namespace Microsoft.ML.MetaMorph;

/// <summary>Mixes rows that come in one order: the next one is drawn from a bounded number of those that wait.</summary>
/// <remarks>The order depends on the number of rows and on the random numbers alone, so that it can be told before a row is read.</remarks>
internal static class ShufflePool
{
    /// <summary>Rows that wait.</summary>
    public const int Size = 1000;

    /// <summary>The rows, mixed; as many are held as wait.</summary>
    public static IEnumerable<T> Shuffle<T>(IEnumerable<T> rows, Random random)
    {
        var pool = new List<T>(Size);
        foreach (T row in rows)
        {
            if (pool.Count < Size)
            {
                pool.Add(row);
                continue;
            }

            int next = random.Next(pool.Count);
            yield return pool[next];
            pool[next] = row;
        }

        while (pool.Count > 0)
        {
            int next = random.Next(pool.Count);
            yield return pool[next];
            pool[next] = pool[^1];
            pool.RemoveAt(pool.Count - 1);
        }
    }

    /// <summary>The places, in the order in which rows come, of those that are given out first.</summary>
    /// <param name="rows">How many rows come.</param>
    /// <param name="seed">Of the random numbers.</param>
    /// <param name="count">How many are given out.</param>
    public static HashSet<long> First(long rows, int seed, long count)
    {
        var first = new HashSet<long>();
        foreach (long place in Shuffle(Places(rows), new Random(seed)))
        {
            if (first.Count >= count) break;
            first.Add(place);
        }

        return first;
    }

    private static IEnumerable<long> Places(long rows)
    {
        for (long place = 0; place < rows; place++) yield return place;
    }
}
