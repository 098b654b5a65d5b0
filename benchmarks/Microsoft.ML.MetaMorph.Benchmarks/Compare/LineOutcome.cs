using System.Globalization;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A line of the table, measured.</summary>
internal abstract record LineOutcome(BenchmarkLine Line)
{
    /// <summary>Null where a side failed or the sides disagree.</summary>
    public abstract bool? Met { get; }
}

/// <summary>Both sides of a line.</summary>
internal sealed record PairedOutcome(PairedLine Paired, Measured Best, Measured Float32, IReadOnlyList<Measured> Python) : LineOutcome(Paired)
{
    /// <summary>Largest difference of the checksums that passes, relative to the largest of them: float32, and where a side computed in bfloat16.</summary>
    public const double Float32Tolerance = 2e-3, BFloat16Tolerance = 5e-2;

    public IEnumerable<Measured> All => [Best, Float32, .. Python];

    /// <summary>The fastest of PyTorch's variants.</summary>
    public Measured? Rival => Python.Where(m => m.IsComplete).MinBy(m => m.Seconds.Median);

    public Measured? Float32Rival => Python.Where(m => m.IsComplete && !m.IsBFloat16).MinBy(m => m.Seconds.Median);

    public double? Ratio => Ratios(Rival, Best);

    public double? Float32Ratio => Ratios(Float32Rival, Float32);

    /// <summary>Why the line counts as failed; null where it does not.</summary>
    public string? Failure
    {
        get
        {
            if (All.FirstOrDefault(m => m.HasFailed) is { } failed) return $"{failed.Side} ({failed.Variant}) {failed.Reason}";
            if (Float32Rival is not { } reference) return "PyTorch has no float32 result";
            return All.Where(m => m.IsComplete).Select(m => Disagreement(reference, m)).FirstOrDefault(text => text is not null);
        }
    }

    public override bool? Met => Failure is null && Ratio is { } ratio ? ratio >= Paired.Bar : null;

    /// <summary>What is allowed for a result of ours, which says in what it was computed.</summary>
    public static double Tolerance(SideResult ours) => ours.How.Contains("BFloat16", StringComparison.Ordinal) ? BFloat16Tolerance : Float32Tolerance;

    private static double? Ratios(Measured? theirs, Measured ours) => theirs is null || !ours.IsComplete ? null : theirs.Seconds.Median / ours.Seconds.Median;

    private static string? Disagreement(Measured reference, Measured other)
    {
        double[] expected = reference.Results[0].Checksum;
        double scale = expected.Max(Math.Abs), tolerance = other.IsBFloat16 ? BFloat16Tolerance : Tolerance(other.Results[0]);
        foreach (double[] actual in other.Results.Select(r => r.Checksum))
        {
            if (actual.Length != expected.Length) return $"{other.Side} ({other.Variant}) gives {actual.Length} checksums, PyTorch {expected.Length}";
            double worst = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() / scale;
            if (!(worst <= tolerance))
                return string.Create(CultureInfo.InvariantCulture, $"{other.Side} ({other.Variant}) computes something else: checksums [{string.Join(", ", actual)}] against [{string.Join(", ", expected)}], difference {worst:E1}, allowed {tolerance:E0}");
        }
        return null;
    }
}

/// <summary>A line without another side.</summary>
internal sealed record SoloOutcome(SoloLine Solo, Measured Ours) : LineOutcome(Solo)
{
    public string Figure => Ours.IsComplete ? Solo.Judge(Ours.Results).Figure : Ours.Reason ?? "not measured";

    public override bool? Met => Ours.IsComplete ? Solo.Judge(Ours.Results).Met : null;
}
