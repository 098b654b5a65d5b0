namespace Microsoft.ML.MetaMorph;

/// <summary>The text's UTF-8 bytes as printable characters, before anything is split.</summary>
internal sealed class ByteLevelNormalizer : TextNormalizer
{
    public override string Normalize(string original) => ByteAlphabet.Encode(original);
}
