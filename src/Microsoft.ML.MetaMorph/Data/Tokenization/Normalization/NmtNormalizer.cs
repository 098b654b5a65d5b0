using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>SentencePiece's <c>nmt</c> rules: some control characters out, unusual spaces to blanks.</summary>
internal sealed class NmtNormalizer : TextNormalizer
{
    public override string Normalize(string original)
    {
        var kept = new StringBuilder(original.Length);
        foreach (Rune rune in original.EnumerateRunes())
        {
            if (IsDropped(rune.Value)) continue;
            if (IsBlank(rune.Value)) kept.Append(' ');
            else kept.Append(rune);
        }
        return kept.ToString();
    }

    public override bool KeepsStart(string original) => original.Length == 0 || !IsDropped(original[0]);

    private static bool IsDropped(int c) => c is >= 0x01 and <= 0x08 or 0x0B or >= 0x0E and <= 0x1F or 0x7F or 0x8F or 0x9F;

    private static bool IsBlank(int c) => c is 0x09 or 0x0A or 0x0C or 0x0D or 0x1680 or >= 0x200B and <= 0x200F or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD;
}
