namespace Microsoft.ML.MetaMorph;

/// <summary>A text put before every segment that is not empty (Llama 2 puts ▁ before each).</summary>
internal sealed class PrependNormalizer(string prefix, TokenizerSection section) : TextNormalizer
{
    public override string Normalize(string original) => Normalize(original, Limit(original));

    public override string Normalize(string original, long limit)
    {
        long length = (long)prefix.Length + original.Length;
        if (length > limit) throw Grown(section, original.Length, length, limit);
        return original.Length == 0 ? original : prefix + original;
    }
}
