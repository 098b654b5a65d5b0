namespace Microsoft.ML.MetaMorph;

/// <summary>White space taken off either end.</summary>
internal sealed class StripNormalizer(bool left, bool right) : TextNormalizer
{
    public override string Normalize(string original) => (left, right) switch
    {
        (true, true) => original.Trim(),
        (true, false) => original.TrimStart(),
        (false, true) => original.TrimEnd(),
        _ => original,
    };

    public override bool KeepsStart(string original) => !left || original.Length == 0 || !char.IsWhiteSpace(original[0]);
}
