namespace Microsoft.ML.MetaMorph;

/// <summary>Rows to train on, epoch after epoch.</summary>
internal abstract class TrainingSource
{
    /// <summary>Rows of an epoch; null where it has no known end.</summary>
    public abstract long? Count { get; }

    /// <summary>One epoch of rows. The seed alone decides the order; null means the source's own order.</summary>
    public abstract IEnumerable<TrainingRow> Rows(int? seed);

    /// <summary>The error of an epoch that has no rows.</summary>
    /// <param name="epoch">Its number, from 1.</param>
    public virtual Exception NoRows(int epoch) => new InvalidOperationException($"Epoch {epoch} has no rows to train on.");
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
