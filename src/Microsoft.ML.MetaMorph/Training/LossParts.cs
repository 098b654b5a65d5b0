namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The two losses as sums and counts, so that parts of a batch add up to the batch: a mean over all tokens and not a mean of means.
/// </summary>
/// <param name="LanguageSum">Sum of the cross-entropies of supervised text tokens, in nats.</param>
/// <param name="LanguageCount">Their number.</param>
/// <param name="VisualSum">Sum over response visual tokens of − cosine similarity, or of mean absolute errors.</param>
/// <param name="VisualCount">Their number.</param>
internal readonly record struct LossParts(double LanguageSum, long LanguageCount, double VisualSum, long VisualCount)
{
    /// <summary>Mean cross-entropy; 0 where no token is supervised.</summary>
    public double Language => LanguageCount == 0 ? 0 : LanguageSum / LanguageCount;

    /// <summary>Mean visual loss; 0 where no image is a response.</summary>
    public double Visual => VisualCount == 0 ? 0 : VisualSum / VisualCount;

    /// <summary>The losses that there are, for messages.</summary>
    public string Parts => string.Join(", ", new[] { Part("language", Language, LanguageCount), Part("visual", Visual, VisualCount) }.OfType<string>());

    public bool IsFinite => double.IsFinite(LanguageSum) && double.IsFinite(VisualSum);

    public double Total(double visionCoefficient) => Language + visionCoefficient * Visual;

    public static LossParts operator +(LossParts a, LossParts b)
        => new(a.LanguageSum + b.LanguageSum, a.LanguageCount + b.LanguageCount, a.VisualSum + b.VisualSum, a.VisualCount + b.VisualCount);

    private static string? Part(string name, double loss, long count) => count == 0 ? null : FormattableString.Invariant($"{name} {loss:G4}");
}
