namespace Microsoft.ML.MetaMorph;

/// <summary>What one picture is drawn from.</summary>
/// <param name="Row">The number of its row, for messages.</param>
/// <param name="Picture">Its place among the pictures of the row, from 0.</param>
/// <param name="Seed">Where its noise starts.</param>
/// <param name="Tokens">Its visual tokens.</param>
/// <param name="Start">The picture that it begins with; null: noise.</param>
/// <param name="Negative">The visual tokens that guidance leads away from; null: none.</param>
internal sealed record DrawingInput(long Row, int Picture, long Seed, ReadOnlyMemory<float> Tokens, RgbImage? Start = null, ReadOnlyMemory<float>? Negative = null)
{
    /// <summary>Pictures that can be drawn together: all of them begin with a picture or none does, and the same of negative tokens.</summary>
    public (bool Started, bool Led) Group => (Start is not null, Negative is not null);
}
