namespace Microsoft.ML.MetaMorph;

/// <summary>The rows that were skipped instead of ending the reading, each once, however often the data are read. Thread-safe.</summary>
public sealed class SkippedRows
{
    private readonly Lock _changing = new();
    private readonly HashSet<SkippedRow> _known = [];
    private readonly List<SkippedRow> _rows = [];

    /// <summary>How many there are so far.</summary>
    public int Count
    {
        get
        {
            lock (_changing) return _rows.Count;
        }
    }

    /// <summary>A copy of the list as it is now, in the order in which they were found.</summary>
    /// <returns>The rows.</returns>
    public IReadOnlyList<SkippedRow> ToList()
    {
        lock (_changing) return [.. _rows];
    }

    /// <summary>Lists a row; false where it is listed already.</summary>
    internal bool Add(SkippedRow row)
    {
        lock (_changing)
        {
            if (!_known.Add(row)) return false;
            _rows.Add(row);
            return true;
        }
    }
}

/// <summary>A row that was skipped.</summary>
/// <param name="Place">Where it stands.</param>
/// <param name="Reason">Why it cannot be used, and what to do.</param>
public readonly record struct SkippedRow(RowPlace Place, string Reason)
{
    /// <summary>Place and reason.</summary>
    /// <returns><c>rows.jsonl, line 17: the answer of turn 1 of 1 is empty, …</c></returns>
    public override string ToString() => $"{Place}: {Reason}";
}
