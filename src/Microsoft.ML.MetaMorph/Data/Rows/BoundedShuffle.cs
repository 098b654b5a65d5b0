namespace Microsoft.ML.MetaMorph;

/// <summary>Rows in random order through a buffer of fixed size: each is drawn from those that wait in it, and the next takes its place.</summary>
internal static class BoundedShuffle
{
    /// <param name="rows">The rows in their order.</param>
    /// <param name="size">Rows that wait; 1 keeps the order.</param>
    /// <param name="random">Draws; one number a row.</param>
    public static IEnumerable<T> Shuffle<T>(IEnumerable<T> rows, int size, Random random)
    {
        var waiting = new List<T>(Math.Min(size, 1024));
        foreach (T row in rows)
        {
            if (waiting.Count < size)
            {
                waiting.Add(row);
                continue;
            }

            int drawn = random.Next(size);
            yield return waiting[drawn];
            waiting[drawn] = row;
        }

        while (waiting.Count > 0)
        {
            int drawn = random.Next(waiting.Count);
            yield return waiting[drawn];
            waiting[drawn] = waiting[^1];
            waiting.RemoveAt(waiting.Count - 1);
        }
    }
}
