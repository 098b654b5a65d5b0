namespace Microsoft.ML.MetaMorph;

/// <summary>Combining marks removed; put a decomposing normal form before it.</summary>
internal sealed class StripAccentsNormalizer : TextNormalizer
{
    public override string Normalize(string original) => UnicodeCharacter.Where(original, rune => !UnicodeCharacter.IsMark(rune));

    public override bool KeepsStart(string original) => original.Length == 0 || !UnicodeCharacter.IsMark(original.EnumerateRunes().First());
}
