namespace Microsoft.ML.MetaMorph;

/// <summary>The losses of a step.</summary>
/// <param name="Total">The weighted sum.</param>
/// <param name="Caption">Mean cross-entropy of a caption's token; null without the captioning decoder.</param>
/// <param name="Contrastive">The sigmoid loss of a picture; null without the text tower.</param>
internal readonly record struct LanguageImageLoss(double Total, double? Caption, double? Contrastive)
{
    /// <summary>The parts that there are, for messages.</summary>
    public string Parts => string.Join(", ", new[] { Part("caption", Caption), Part("contrastive", Contrastive) }.OfType<string>());

    private static string? Part(string name, double? loss) => loss is null ? null : FormattableString.Invariant($"{name} {loss:G4}");
}
