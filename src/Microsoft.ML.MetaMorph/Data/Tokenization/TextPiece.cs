namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A stretch of text on its way to tokens. <c>Origins</c> tells for each of its characters (and its end) where it stands in the normalised text;
/// null means one after the other from <c>Start</c>. A negative <c>Start</c> means that nobody asks for offsets and none are kept.
/// </summary>
internal readonly record struct TextPiece(string Text, int Start, int[]? Origins, bool BeginsText)
{
    public const int Untracked = -1;

    public bool IsTracked => Start >= 0;

    public int Origin(int index) => !IsTracked ? 0 : Origins is null ? Start + index : Origins[index];

    public TextPiece Slice(int start, int length)
    {
        if (start == 0 && length == Text.Length) return this;
        return new TextPiece(Text.Substring(start, length), IsTracked ? Start + start : Untracked, Origins?[start..(start + length + 1)], BeginsText && start == 0);
    }

    /// <summary>The same piece with its text changed character for character.</summary>
    public TextPiece WithText(string text) => this with { Text = text };

    /// <summary>The piece with <paramref name="prefix"/> before it; the prefix has no place of its own in the normalised text.</summary>
    public TextPiece Prepend(string prefix)
    {
        if (!IsTracked) return this with { Text = prefix + Text };
        var origins = new int[prefix.Length + Text.Length + 1];
        for (int i = 0; i < origins.Length; i++) origins[i] = Origin(Math.Max(i - prefix.Length, 0));
        return this with { Text = prefix + Text, Origins = origins };
    }
}
