namespace Microsoft.ML.MetaMorph;

/// <summary>Several normalizers, one after the other.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<TextNormalizer> steps) : TextNormalizer
{
    public override string Normalize(string original) => steps.Aggregate(original, (text, step) => step.Normalize(text));
}
