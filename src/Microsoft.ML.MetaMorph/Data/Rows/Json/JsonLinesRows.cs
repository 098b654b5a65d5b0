namespace Microsoft.ML.MetaMorph;

/// <summary>The rows of a JSON Lines file: one a line; blank lines are none.</summary>
internal static class JsonLinesRows
{
    public static IEnumerable<JsonRecord> Read(ByteFeed feed, int maximumBytes)
    {
        var row = new RecordBuffer(maximumBytes);
        while (feed.Peek() >= 0)
        {
            long line = feed.Line;
            row.Clear();
            for (int value = feed.Next(); value >= 0 && value != '\n'; value = feed.Next()) row.Add((byte)value);
            if (!row.IsBlank) yield return row.ToRecord(line);
        }
    }
}
