namespace Microsoft.ML.MetaMorph;

/// <summary>Every match of a pattern replaced by a fixed text.</summary>
internal sealed class ReplaceNormalizer(TextPattern pattern, string content) : TextNormalizer
{
    public override string Normalize(string original) => pattern.Replace(original, content);

    public override bool KeepsStart(string original) => content.Length > 0 || pattern.Parts(original) is not [(0, > 0, true), ..];
}
