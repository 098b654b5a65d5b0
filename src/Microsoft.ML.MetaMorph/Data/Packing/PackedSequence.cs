namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Rows laid one after another in one sequence and expanded: every image takes N positions. Attention is causal inside a row and absent
/// between rows, and positions start at 0 in each row, so that a row computes the same packed as alone.
/// Images are consumed in the order of the rows, then of their placeholders.
/// </summary>
internal sealed class PackedSequence
{
    private PackedSequence(int[] ids, int[] labels, bool[] isVisualTarget, int[] rowLengths, int[] rows, int imageCount)
    {
        Ids = ids;
        Labels = labels;
        IsVisualTarget = isVisualTarget;
        RowLengths = rowLengths;
        Rows = rows;
        ImageCount = imageCount;
    }

    /// <summary>Token ids; <see cref="TokenSequence.ImagePlaceholder"/> at each of an image's N positions.</summary>
    public int[] Ids { get; }

    /// <summary>
    /// Text labels, not shifted: the position before predicts them. <see cref="TokenSequence.Ignored"/> at images and at the first position
    /// of each row, which no position of its own row predicts (and the row before must not).
    /// </summary>
    public int[] Labels { get; }

    /// <summary>Per position: a visual token that the position before it learns to predict.</summary>
    public bool[] IsVisualTarget { get; }

    /// <summary>Expanded length of each row, in order; their sum is the length of the sequence.</summary>
    public int[] RowLengths { get; }

    /// <summary>For each row of the sequence its number among the rows that were packed.</summary>
    public int[] Rows { get; }

    /// <summary>The images of all rows.</summary>
    public int ImageCount { get; }

    public int Length => Ids.Length;

    /// <summary>The text positions that count in the language loss.</summary>
    public int SupervisedTokens => Labels.Count(label => label != TokenSequence.Ignored);

    /// <summary>The visual positions that count in the visual loss.</summary>
    public int VisualTargets => IsVisualTarget.Count(target => target);

    /// <summary>Lays the rows one after another.</summary>
    /// <param name="rows">The rows, each with at least one token.</param>
    /// <param name="tokensPerImage">The positions of an image, at least 1.</param>
    /// <param name="imageStartId">The id of <c>&lt;image_start&gt;</c>; an image is a target iff the label right before it is this id.</param>
    /// <param name="rowNumbers">The number of each row among those packed; by default 0, 1, 2 …</param>
    public static PackedSequence FromRows(IReadOnlyList<TokenSequence> rows, int tokensPerImage, int imageStartId, IReadOnlyList<int>? rowNumbers = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(tokensPerImage, 1);
        ArgumentOutOfRangeException.ThrowIfZero(rows.Count, nameof(rows));
        int[] numbers = rowNumbers is null ? [.. Enumerable.Range(0, rows.Count)] : [.. rowNumbers];
        if (numbers.Length != rows.Count)
            throw new ArgumentException($"{rows.Count} rows were given, but {numbers.Length} row numbers.", nameof(rowNumbers));
        int[] lengths = [.. rows.Select((row, i) => Measure(row, tokensPerImage, numbers[i]))];
        int total = lengths.Aggregate(0, (sum, length) => checked(sum + length));
        int[] ids = new int[total], labels = new int[total];
        bool[] targets = new bool[total];
        int at = 0;
        foreach (TokenSequence row in rows) at = Expand(row, tokensPerImage, imageStartId, at, ids, labels, targets);
        return new PackedSequence(ids, labels, targets, lengths, numbers, rows.Sum(row => row.ImageCount));
    }

    private static int Measure(TokenSequence row, int tokensPerImage, int number)
    {
        int length = row.ExpandedLength(tokensPerImage);
        return length > 0 ? length : throw new ArgumentException($"Row {number} has no tokens; an empty row cannot be packed. Leave it out.");
    }

    private static int Expand(TokenSequence row, int tokensPerImage, int imageStartId, int at, int[] ids, int[] labels, bool[] targets)
    {
        int first = at;
        for (int i = 0; i < row.Ids.Length; i++)
        {
            if (row.Ids[i] != TokenSequence.ImagePlaceholder)
            {
                ids[at] = row.Ids[i];
                labels[at++] = row.Labels[i];
                continue;
            }
            ids.AsSpan(at, tokensPerImage).Fill(TokenSequence.ImagePlaceholder);
            labels.AsSpan(at, tokensPerImage).Fill(TokenSequence.Ignored);
            targets.AsSpan(at, tokensPerImage).Fill(row.IsImageTarget(i, imageStartId));
            at += tokensPerImage;
        }
        labels[first] = TokenSequence.Ignored;
        return at;
    }
}
