using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pieces of a fixed number of characters; the last may be shorter.</summary>
internal sealed class FixedLengthPreTokenization : PreTokenizationStep
{
    private readonly int _length;

    public FixedLengthPreTokenization(int length, TokenizerSection section) => _length = length > 0 ? length : throw section.Wrong("must have a 'length' of at least 1");

    public override IEnumerable<TextPiece> Split(TextPiece piece)
    {
        int start = 0, end = 0, count = 0;
        foreach (Rune rune in piece.Text.EnumerateRunes())
        {
            end += rune.Utf16SequenceLength;
            if (++count < _length) continue;
            yield return piece.Slice(start, end - start);
            (start, count) = (end, 0);
        }
        if (end > start) yield return piece.Slice(start, end - start);
    }
}
