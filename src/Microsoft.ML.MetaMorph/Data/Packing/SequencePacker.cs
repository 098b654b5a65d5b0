namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Puts rows together into sequences of at most a fixed number of positions, so that little of a step is padding.
/// Best fit with a bounded look-ahead: a sequence starts with the oldest row that waits and then takes, of the waiting rows, the longest
/// that still fits. No row waits for ever, none is lost, and the result depends on the rows and the seed alone.
/// A row longer than the budget gets a sequence of its own.
/// </summary>
internal sealed class SequencePacker
{
    /// <summary>Waiting rows to choose from; more fill the sequences better and mix the order of the rows more.</summary>
    public const int DefaultLookAhead = 128;

    private readonly int _budget;
    private readonly int _maximumLength;
    private readonly int _tokensPerImage;
    private readonly int _imageStartId;
    private readonly int _lookAhead;

    /// <param name="budget">The positions of a packed sequence.</param>
    /// <param name="tokensPerImage">The positions of an image.</param>
    /// <param name="imageStartId">The id of <c>&lt;image_start&gt;</c>.</param>
    /// <param name="maximumLength">The longest row that is accepted; by default any length is.</param>
    /// <param name="lookAhead">How many rows wait at a time.</param>
    public SequencePacker(int budget, int tokensPerImage, int imageStartId, int maximumLength = int.MaxValue, int lookAhead = DefaultLookAhead)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(budget, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(tokensPerImage, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumLength, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(lookAhead, 1);
        _budget = budget;
        _tokensPerImage = tokensPerImage;
        _imageStartId = imageStartId;
        _maximumLength = maximumLength;
        _lookAhead = lookAhead;
    }

    /// <summary>Packs all rows; with a <paramref name="seed"/> they are visited in a shuffled order that the seed alone decides.</summary>
    public IEnumerable<PackedSequence> Pack(IReadOnlyList<TokenSequence> rows, int? seed = null)
    {
        foreach (int[] pack in Plan([.. rows.Select(row => row.ExpandedLength(_tokensPerImage))], seed))
            yield return PackedSequence.FromRows([.. pack.Select(i => rows[i])], _tokensPerImage, _imageStartId, pack);
    }

    /// <summary>Packs rows as they come, holding no more than the look-ahead of them.</summary>
    public IEnumerable<PackedSequence> Pack(IEnumerable<TokenSequence> rows)
    {
        IEnumerable<WaitingRow> waiting = rows.Select((row, i) => new WaitingRow(i, Check(row.ExpandedLength(_tokensPerImage), i), row));
        foreach (List<WaitingRow> pack in Group(waiting))
            yield return PackedSequence.FromRows([.. pack.Select(row => row.Sequence!)], _tokensPerImage, _imageStartId, [.. pack.Select(row => row.Number)]);
    }

    /// <summary>Which rows go together, told from their expanded lengths: an epoch can be planned before a row is read.</summary>
    public IReadOnlyList<int[]> Plan(IReadOnlyList<int> lengths, int? seed = null)
    {
        int[] order = [.. Enumerable.Range(0, lengths.Count)];
        if (seed is { } value) new Random(value).Shuffle(order);
        return [.. Group(order.Select(i => new WaitingRow(i, Check(lengths[i], i), null))).Select(pack => pack.Select(row => row.Number).ToArray())];
    }

    private int Check(int length, int row)
    {
        if (length < 1) throw new ArgumentException($"Row {row} has no tokens; an empty row cannot be packed. Leave it out.");
        return length <= _maximumLength
            ? length
            : throw new ArgumentException($"Row {row} takes {length} positions, more than the maximum length of {_maximumLength}. Truncate it when it is encoded.");
    }

    private IEnumerable<List<WaitingRow>> Group(IEnumerable<WaitingRow> rows)
    {
        using IEnumerator<WaitingRow> source = rows.GetEnumerator();
        var waiting = new List<WaitingRow>(_lookAhead);
        bool more = true;
        while (true)
        {
            more = more && Refill(waiting, source);
            if (waiting.Count == 0) yield break;
            var pack = new List<WaitingRow>();
            int left = _budget;
            for (int next = 0; next >= 0; next = LongestThatFits(waiting, left))
            {
                left -= waiting[next].Length;
                pack.Add(waiting[next]);
                waiting.RemoveAt(next);
                more = more && Refill(waiting, source);
            }
            yield return pack;
        }
    }

    /// <summary>Fills the waiting rows up; false once the source has ended.</summary>
    private bool Refill(List<WaitingRow> waiting, IEnumerator<WaitingRow> source)
    {
        while (waiting.Count < _lookAhead)
        {
            if (!source.MoveNext()) return false;
            waiting.Add(source.Current);
        }
        return true;
    }

    /// <summary>The longest row of at most <paramref name="left"/> positions, the oldest of equals; −1 if none fits.</summary>
    private static int LongestThatFits(List<WaitingRow> waiting, int left)
    {
        int best = -1;
        for (int i = 0; i < waiting.Count; i++)
            if (waiting[i].Length <= left && (best < 0 || waiting[i].Length > waiting[best].Length)) best = i;
        return best;
    }

    private readonly record struct WaitingRow(int Number, int Length, TokenSequence? Sequence);
}
