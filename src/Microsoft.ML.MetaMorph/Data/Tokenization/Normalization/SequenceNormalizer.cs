namespace Microsoft.ML.MetaMorph;

/// <summary>Several normalizers, one after the other.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<TextNormalizer> steps, TokenizerSection section) : TextNormalizer
{
    public override string Normalize(string original) => Normalize(original, Limit(original));

    public override string Normalize(string original, long limit)
    {
        string text = original;
        foreach (TextNormalizer step in steps)
        {
            text = step.Normalize(text, limit);
            if (text.Length > limit) throw Grown(section, original.Length, text.Length, limit);
        }
        return text;
    }

    public override bool KeepsStart(string original)
    {
        string text = original;
        long limit = Limit(original);
        foreach (TextNormalizer step in steps)
        {
            if (!step.KeepsStart(text)) return false;
            text = step.Normalize(text, limit);
        }
        return true;
    }
}
