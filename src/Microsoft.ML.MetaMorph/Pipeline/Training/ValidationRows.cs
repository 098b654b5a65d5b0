namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Rows that a training only evaluates. That there are none, or that one cannot be read, is told before the training; that none of them has
/// anything to evaluate costs the figure, not the model.
/// </summary>
internal static class ValidationRows
{
    /// <summary>Refuses validation data without a row; its first one is looked for, and none of its values computed.</summary>
    /// <exception cref="ArgumentException">There is no row.</exception>
    public static void Require(IDataView? validationData)
    {
        if (validationData is null) return;
        using DataViewRowCursor cursor = validationData.GetRowCursor([]);
        if (!RowErrors.MoveNext(cursor)) throw new ArgumentException("There are no validation rows. Give at least one, or fit without validation rows.", nameof(validationData));
    }

    /// <summary>Reads every row once, before the training: one that cannot be used is told now, and not behind hours of it.</summary>
    /// <param name="rows">The rows, as the training will evaluate them.</param>
    /// <param name="cancellation">Ends the reading; the training then ends by itself.</param>
    public static void ReadAll<T>(IEnumerable<T> rows, CancellationToken cancellation)
    {
        foreach (T _ in rows)
        {
            if (cancellation.IsCancellationRequested) return;
        }
    }

    /// <summary>What the log tells where rows gave nothing to evaluate.</summary>
    /// <param name="what">What none of them has.</param>
    public static string Nothing(string what) => $"Validation: no validation row has {what}, so there is no validation figure.";

    /// <summary>Evaluates batches.</summary>
    /// <param name="batches">The batches.</param>
    /// <param name="evaluate">Told at least one batch.</param>
    /// <param name="scores">What it gave.</param>
    /// <returns>Whether there is a batch.</returns>
    public static bool TryEvaluate<TBatch, TScores>(IEnumerable<TBatch> batches, Func<IEnumerable<TBatch>, TScores> evaluate, out TScores? scores)
    {
        using IEnumerator<TBatch> all = batches.GetEnumerator();
        bool any = all.MoveNext();
        scores = any ? evaluate(FromHere(all)) : default;
        return any;
    }

    private static IEnumerable<T> FromHere<T>(IEnumerator<T> all)
    {
        do yield return all.Current;
        while (all.MoveNext());
    }
}
