namespace Microsoft.ML.MetaMorph;

/// <summary>Rows to train on, epoch after epoch.</summary>
internal abstract class TrainingSource
{
    /// <summary>Rows of an epoch; null where it has no known end.</summary>
    public abstract long? Count { get; }

    /// <summary>One epoch of rows.</summary>
    /// <param name="seed">It alone decides the order; null means the source's own order.</param>
    /// <param name="from">Where the epoch goes on: <see cref="StreamPlace.Row"/> rows of it are passed over, as cheaply as the source can, and the last of them is looked at.</param>
    /// <exception cref="InvalidDataException">There are fewer rows, or the last one before the place is another.</exception>
    public abstract IEnumerable<TrainingRow> Rows(int? seed, StreamPlace from = default);

    /// <summary>Refuses, at the end of a training, rows that taught nothing.</summary>
    /// <exception cref="InvalidDataException">They did not.</exception>
    public virtual void RequireSomethingToLearn()
    {
    }

    /// <summary>The error of an epoch that has no rows.</summary>
    /// <param name="epoch">Its number, from 1.</param>
    public virtual Exception NoRows(int epoch) => new InvalidOperationException($"Epoch {epoch} has no rows to train on.");
}

/// <summary>Rows held in memory.</summary>
internal sealed class InMemoryTrainingSource(IReadOnlyList<TrainingRow> rows) : TrainingSource
{
    public override long? Count => rows.Count;

    public override IEnumerable<TrainingRow> Rows(int? seed, StreamPlace from = default)
    {
        from.RequireRows(rows.Count);
        int[] order = [.. Enumerable.Range(0, rows.Count)];
        if (seed is { } value) new Random(value).Shuffle(order);
        int taken = (int)from.Row;
        if (taken > 0) from.RequireSame(rows[order[taken - 1]].Mark);
        return order.Skip(taken).Select((row, i) => rows[row] with { Place = taken + i });
    }
}
