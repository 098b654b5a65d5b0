namespace Microsoft.ML.MetaMorph;

/// <summary>What was cut off a row that is too long.</summary>
/// <param name="Tokens">Text tokens that were dropped.</param>
/// <param name="Images">Pictures that were dropped, each whole.</param>
internal readonly record struct SequenceTruncation(int Tokens, int Images)
{
    public bool IsTruncated => Tokens > 0 || Images > 0;

    /// <summary>
    /// Cuts a row to <paramref name="maximumLength"/> positions: text at the limit, and a picture that would not fit whole together with
    /// everything after it. A picture is never cut in part, and pictures and their placeholders stay in step.
    /// </summary>
    public static TokenSequence Cut(TokenSequence row, int maximumLength, int tokensPerImage, out SequenceTruncation truncation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumLength, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokensPerImage, 1);
        truncation = default;
        if (row.ExpandedLength(tokensPerImage) <= maximumLength) return row;
        int kept = 0, images = 0;
        for (long length = 0; kept < row.Ids.Length; kept++)
        {
            bool image = row.Ids[kept] == TokenSequence.ImagePlaceholder;
            length += image ? tokensPerImage : 1;
            if (length > maximumLength) break;
            if (image) images++;
        }
        int dropped = row.ImageCount - images;
        truncation = new SequenceTruncation(row.Ids.Length - kept - dropped, dropped);
        return new TokenSequence(row.Ids[..kept], row.Labels[..kept], row.ImageOrder[..images]);
    }
}
