namespace Microsoft.ML.MetaMorph;

/// <summary>All texts of some text columns, as a tokenizer is trained from them.</summary>
internal static class TextRows
{
    public static IEnumerable<string?> Read(IDataView data, params string[] columns)
    {
        using DataViewRowCursor cursor = data.GetRowCursor(columns.Select(name => data.Schema[name]));
        TextColumn[] texts = [.. columns.Select(name => new TextColumn(cursor, name))];
        while (RowErrors.MoveNext(cursor))
        {
            foreach (TextColumn text in texts)
            {
                foreach (string turn in text.Read(cursor.Position)) yield return turn;
            }
        }
    }
}
