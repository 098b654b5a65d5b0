namespace Microsoft.ML.MetaMorph;

/// <summary>A loss or gradient became NaN or infinite. The model holds the weights of the last step that was good.</summary>
public sealed class TrainingDivergedException : InvalidOperationException
{
    internal TrainingDivergedException(long step, IReadOnlyList<long> rows, string what)
        : base($"Step {step}: {what}. Rows of the step: {List(rows)}. The model keeps the weights of step {step - 1}. "
            + "Look at these rows; if they are sound, lower the learning rate or set MaximumGradientNorm (1 is common).")
    {
        Step = step;
        Rows = rows;
    }

    /// <summary>The step that failed, from 1.</summary>
    public long Step { get; }

    /// <summary>The numbers of the rows that were computed, from 0 in the order of the training data.</summary>
    public IReadOnlyList<long> Rows { get; }

    private static string List(IReadOnlyList<long> rows)
        => string.Join(", ", rows.Take(20)) + (rows.Count > 20 ? $", … ({rows.Count} in all)" : "");
}
