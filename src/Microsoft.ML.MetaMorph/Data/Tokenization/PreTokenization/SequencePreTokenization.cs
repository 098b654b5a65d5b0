namespace Microsoft.ML.MetaMorph;

/// <summary>Several steps; each cuts the pieces of the one before.</summary>
internal sealed class SequencePreTokenization(IReadOnlyList<PreTokenizationStep> steps) : PreTokenizationStep
{
    public override IEnumerable<TextPiece> Split(TextPiece piece)
    {
        List<TextPiece> pieces = [piece];
        foreach (PreTokenizationStep step in steps)
        {
            pieces = [.. pieces.SelectMany(step.Split).Where(p => p.Text.Length > 0)];
        }
        return pieces;
    }
}
