using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>The number of the row on which a cursor stands, for messages: its place in the data, even where the cursor shuffles.</summary>
internal sealed class RowNumber
{
    private readonly DataViewRowCursor _cursor;
    private readonly ValueGetter<DataViewRowId>? _getId;

    /// <param name="cursor">The cursor.</param>
    /// <param name="shuffled">Whether it was asked for rows in random order.</param>
    public RowNumber(DataViewRowCursor cursor, bool shuffled)
    {
        _cursor = cursor;
        _getId = shuffled ? cursor.GetIdGetter() : null;
    }

    /// <summary>A shuffled cursor counts in its own order; the id of a row in memory or in a cache is its place there.</summary>
    public long Current
    {
        get
        {
            if (_getId is null) return _cursor.Position;
            DataViewRowId id = default;
            _getId(ref id);
            return id.High == 0 && id.Low <= long.MaxValue ? (long)id.Low : _cursor.Position;
        }
    }
}
