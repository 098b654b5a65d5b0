namespace Microsoft.ML.MetaMorph;

/// <summary>How long rows are, from their texts alone: a mark stands for as many positions as a picture has tokens, and no picture is looked at.</summary>
/// <param name="Rows">Rows that were looked at: the first ones.</param>
/// <param name="Positions">Their positions together.</param>
/// <param name="Longest">Those of the longest.</param>
internal sealed record RowLengths(long Rows, long Positions, long Longest)
{
    /// <summary>Rows that are looked at.</summary>
    public const int Sample = 1000;

    /// <summary>Positions of a row on average; 0 where there is none.</summary>
    public double Mean => Rows == 0 ? 0 : (double)Positions / Rows;

    /// <summary>The number of all rows; they are counted where the data does not know it, and none of their values is computed.</summary>
    public static long Count(IDataView data)
    {
        if (data.GetRowCount() is { } known) return known;
        using DataViewRowCursor cursor = data.GetRowCursor([]);
        long count = 0;
        while (RowErrors.MoveNext(cursor)) count++;
        return count;
    }

    /// <summary>Looks at the first rows.</summary>
    /// <param name="data">The rows.</param>
    /// <param name="settings">The columns' names.</param>
    /// <param name="encoder">Makes ids.</param>
    /// <param name="visualTokenCount">Positions of a picture.</param>
    /// <param name="maximumLength">Longer rows are cut.</param>
    /// <param name="skipBadRows">Whether rows whose texts cannot be learned are passed over, or throw.</param>
    public static RowLengths Of(IDataView data, MetaMorphSettings settings, ConversationEncoder encoder, int visualTokenCount, int maximumLength, bool skipBadRows)
    {
        string[] names = [settings.PromptColumnName, settings.ResponseColumnName!];
        using DataViewRowCursor cursor = data.GetRowCursor(names.Select(name => data.Schema[name]));
        (var prompt, var response) = (new TextColumn(cursor, names[0]), new TextColumn(cursor, names[1]));
        var lengths = new RowLengths(0, 0, 0);
        while (lengths.Rows < Sample && RowErrors.MoveNext(cursor))
        {
            try
            {
                ConversationRow row = ConversationRow.ForTraining(settings, cursor.Position, prompt.Read(cursor.Position), response.Read(cursor.Position));
                long length = encoder.Encode(row.Conversation, maximumLength, visualTokenCount, out _).ExpandedLength(visualTokenCount);
                lengths = new RowLengths(lengths.Rows + 1, lengths.Positions + length, Math.Max(lengths.Longest, length));
            }
            catch (Exception failure) when (skipBadRows && RowErrors.IsOfRow(failure))
            {
                // It will be passed over, and told, by the training too.
                continue;
            }
        }

        return lengths;
    }
}
