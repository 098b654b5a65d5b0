namespace Microsoft.ML.MetaMorph;

/// <summary>Several normalizers, one after the other.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<TextNormalizer> steps) : TextNormalizer
{
    public override string Normalize(string original) => steps.Aggregate(original, (text, step) => step.Normalize(text));

    public override bool KeepsStart(string original)
    {
        string text = original;
        foreach (TextNormalizer step in steps)
        {
            if (!step.KeepsStart(text)) return false;
            text = step.Normalize(text);
        }
        return true;
    }
}
