namespace Microsoft.ML.MetaMorph;

/// <summary>The losses of a step.</summary>
/// <param name="Total">The weighted sum.</param>
/// <param name="Caption">Mean cross-entropy of a caption's token; null without the captioning decoder.</param>
/// <param name="Contrastive">The sigmoid loss of a picture; null without the text tower.</param>
internal readonly record struct LanguageImageLoss(double Total, double? Caption, double? Contrastive);
