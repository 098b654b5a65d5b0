namespace Microsoft.ML.MetaMorph;

/// <summary>Every match of a pattern replaced by a fixed text.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, string content, TokenizerSection section) : TextNormalizer
{
    public override string Normalize(string original) => Normalize(original, Limit(original));

    public override string Normalize(string original, long limit)
    {
        if ((original.Length + 1L) * Math.Max(content.Length, 1) > limit && pattern.ReplacedLength(original, content) is var length && length > limit)
            throw Grown(section, original.Length, length, limit);
        return pattern.Replace(original, content);
    }

    public override bool KeepsStart(string original) => content.Length > 0 || pattern.Parts(original) is not [(0, > 0, true), ..];
}
