namespace Microsoft.ML.MetaMorph;

/// <summary>Lower case, character by character.</summary>
internal sealed class LowercaseNormalizer : TextNormalizer
{
    public override string Normalize(string original) => UnicodeCharacter.Lowercase(original);
}
