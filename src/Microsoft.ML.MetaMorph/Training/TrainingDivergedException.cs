namespace Microsoft.ML.MetaMorph;

/// <summary>A loss or gradient became NaN or infinite. The model holds the weights of the last step that was good.</summary>
public sealed class TrainingDivergedException : InvalidOperationException
{
    private const string Advice = "Look at these rows; if they are sound, lower the learning rate or set MaximumGradientNorm (1 is common).";

    internal TrainingDivergedException(long step, IReadOnlyList<long> rows, string what, string? brokenWeights = null)
        : base($"Step {step}: {what}. Rows of the step: {List(rows)}. The model keeps the weights of step {step - 1}. "
            + (brokenWeights is null ? Advice : $"The weights with which the training began are broken: {brokenWeights}. Take another copy of them; these rows need not be to blame."))
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
