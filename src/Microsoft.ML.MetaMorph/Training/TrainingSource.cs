namespace Microsoft.ML.MetaMorph;

/// <summary>Rows to train on, epoch after epoch.</summary>
internal abstract class TrainingSource
{
    /// <summary>Rows of an epoch; null where it has no known end.</summary>
    public abstract long? Count { get; }

    /// <summary>One epoch of rows. The seed alone decides the order; null means the source's own order.</summary>
    public abstract IEnumerable<TrainingRow> Rows(int? seed);
}

/// <summary>Rows held in memory.</summary>
internal sealed class InMemoryTrainingSource(IReadOnlyList<TrainingRow> rows) : TrainingSource
{
    public override long? Count => rows.Count;

    public override IEnumerable<TrainingRow> Rows(int? seed)
    {
        if (seed is not { } value) return rows;
        int[] order = [.. Enumerable.Range(0, rows.Count)];
        new Random(value).Shuffle(order);
        return order.Select(i => rows[i]);
    }
}
