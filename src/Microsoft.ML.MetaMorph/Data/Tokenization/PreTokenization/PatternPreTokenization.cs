namespace Microsoft.ML.MetaMorph;

/// <summary>Cuts along the matches of a pattern (or, inverted, along what lies between them).</summary>
internal sealed class PatternPreTokenization(TextPattern pattern, SplitBehavior behavior, bool invert) : PreTokenizationStep
{
    public new static PatternPreTokenization Read(TokenizerSection section) =>
        new(TextPattern.Read(section.Required("pattern")), SplitBehaviors.Read(section), section.Flag("invert", false));

    public override IEnumerable<TextPiece> Split(TextPiece piece)
    {
        List<(int Start, int End, bool IsMatch)> parts = pattern.Parts(piece.Text);
        if (invert) parts = [.. parts.Select(p => (p.Start, p.End, !p.IsMatch))];
        return behavior.Apply(parts).Where(p => p.End > p.Start).Select(p => piece.Slice(p.Start, p.End - p.Start));
    }
}
