using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Cuts at every character of a class: white space, punctuation, digits, one delimiter.</summary>
internal sealed class CharacterPreTokenization(Func<Rune, bool> isDelimiter, SplitBehavior behavior) : PreTokenizationStep
{
    public static CharacterPreTokenization ReadDelimiter(TokenizerSection section)
    {
        string delimiter = section.Text("delimiter");
        if (Rune.DecodeFromUtf16(delimiter, out Rune rune, out int length) != System.Buffers.OperationStatus.Done || length != delimiter.Length) throw section.Wrong("must have a 'delimiter' of one character");
        return new CharacterPreTokenization(r => r == rune, SplitBehavior.Removed);
    }

    public override IEnumerable<TextPiece> Split(TextPiece piece)
    {
        var parts = new List<(int Start, int End, bool IsMatch)>();
        int position = 0, previous = 0;
        foreach (Rune rune in piece.Text.EnumerateRunes())
        {
            int end = position + rune.Utf16SequenceLength;
            if (isDelimiter(rune))
            {
                if (position > previous) parts.Add((previous, position, false));
                parts.Add((position, end, true));
                previous = end;
            }
            position = end;
        }
        if (previous < piece.Text.Length) parts.Add((previous, piece.Text.Length, false));
        return behavior.Apply(parts).Select(p => piece.Slice(p.Start, p.End - p.Start));
    }
}
