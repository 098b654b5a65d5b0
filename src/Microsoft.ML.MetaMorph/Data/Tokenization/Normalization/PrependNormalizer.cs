namespace Microsoft.ML.MetaMorph;

/// <summary>A text put before every segment that is not empty (Llama 2 puts ▁ before each).</summary>
internal sealed class PrependNormalizer(string prefix) : TextNormalizer
{
    public override string Normalize(string original) => original.Length == 0 ? original : prefix + original;
}
