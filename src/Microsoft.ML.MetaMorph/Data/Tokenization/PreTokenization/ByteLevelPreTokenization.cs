using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>GPT-2's words, spelled in the byte alphabet.</summary>
internal sealed class ByteLevelPreTokenization(bool addPrefixSpace, bool useRegex) : PreTokenizationStep
{
    private static readonly Lazy<TextPattern> Words = new(() => TextPattern.FromRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"));

    public override IEnumerable<TextPiece> Split(TextPiece piece)
    {
        if (addPrefixSpace && !piece.Text.StartsWith(' ')) piece = piece.Prepend(" ");
        if (!useRegex) return [Spell(piece)];
        TextPiece whole = piece;
        return Words.Value.Parts(whole.Text).Select(p => Spell(whole.Slice(p.Start, p.End - p.Start)));
    }

    private static TextPiece Spell(TextPiece piece)
    {
        string spelled = ByteAlphabet.Encode(piece.Text);
        if (!piece.IsTracked || spelled.Length == piece.Text.Length) return piece.WithText(spelled);
        var origins = new int[spelled.Length + 1];
        int position = 0, next = 0;
        foreach (Rune rune in piece.Text.EnumerateRunes())
        {
            for (int b = 0; b < rune.Utf8SequenceLength; b++) origins[next++] = piece.Origin(position);
            position += rune.Utf16SequenceLength;
        }
        origins[next] = piece.Origin(position);
        return piece with { Text = spelled, Origins = origins };
    }
}
