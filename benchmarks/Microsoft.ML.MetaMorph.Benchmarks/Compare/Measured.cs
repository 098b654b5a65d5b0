namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>All rounds of one side in one variant.</summary>
/// <param name="side">Ours or PyTorch.</param>
/// <param name="variant">Precision and layout.</param>
/// <param name="isBFloat16">Whether bfloat16 is asked for.</param>
internal sealed class Measured(string side, string variant, bool isBFloat16)
{
    private readonly List<SideResult> _results = [];

    public string Side { get; } = side;

    public string Variant { get; } = variant;

    /// <summary>Whether bfloat16 was asked for; ours decides by itself.</summary>
    public bool IsBFloat16 { get; } = isBFloat16;

    /// <summary>Why the variant was left out, or failed; null where it was measured.</summary>
    public string? Reason { get; private set; }

    public bool HasFailed { get; private set; }

    public IReadOnlyList<SideResult> Results => _results;

    public bool IsComplete => Reason is null && _results.Count > 0;

    /// <summary>Seconds a repeat, over all rounds.</summary>
    public Spread Seconds => Spread.Of([.. _results.SelectMany(result => result.Seconds)]);

    public double UnitsPerSecond => _results[0].Units / Seconds.Median;

    public void Add(SideOutcome outcome, string? slowReason = null)
    {
        if (outcome.Result is { } result) _results.Add(result);
        else if (outcome.IsTooSlow && slowReason is not null) Reason = slowReason;
        else Fail(outcome.Failure!);
    }

    public void Fail(string reason) => (Reason, HasFailed) = (reason, true);
}
