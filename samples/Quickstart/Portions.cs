using System.Diagnostics;

namespace Quickstart;

/// <summary>Work that is done in portions for as long as there is time.</summary>
internal static class Portions
{
    /// <summary>Takes portion after portion; the first always, a further one only if it would probably end in time, by what those before it took.</summary>
    /// <param name="all">What there is to do.</param>
    /// <param name="size">How much of it at a time.</param>
    /// <param name="time">How long it may take.</param>
    /// <param name="take">Does a portion.</param>
    public static List<TResult> Take<T, TResult>(IReadOnlyList<T> all, int size, TimeSpan time, Func<IReadOnlyList<T>, IEnumerable<TResult>> take)
    {
        var clock = Stopwatch.StartNew();
        return Take(all, size, time, () => clock.Elapsed, take);
    }

    /// <summary>The same by another clock, which tells how long it has taken so far.</summary>
    public static List<TResult> Take<T, TResult>(IReadOnlyList<T> all, int size, TimeSpan time, Func<TimeSpan> elapsed, Func<IReadOnlyList<T>, IEnumerable<TResult>> take)
    {
        var results = new List<TResult>();
        for (int done = 0; done * size < all.Count; done++)
        {
            if (done > 0 && elapsed() * (done + 1) / done > time) break;
            results.AddRange(take([.. all.Skip(done * size).Take(size)]));
        }

        return results;
    }
}
