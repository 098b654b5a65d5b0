namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The elements of a JSON array, one at a time. Where an element ends is found by its brackets and quotes alone, so that one that is too long, too
/// deep or wrong inside costs no memory and does not end the file; what is inside is left to <see cref="System.Text.Json"/>, whose own streaming
/// readers stop at the first error and know no bound.
/// </summary>
internal static class JsonArrayRows
{
    /// <param name="feed">Stands on the opening bracket.</param>
    /// <param name="maximumBytes">The longest element.</param>
    public static IEnumerable<JsonRecord> Read(ByteFeed feed, int maximumBytes)
    {
        feed.Next();
        if (feed.PeekPastWhite() == ']')
        {
            feed.Next();
        }
        else
        {
            var element = new RecordBuffer(maximumBytes);
            do
            {
                feed.PeekPastWhite();
                long line = feed.Line;
                element.Clear();
                if (!ReadElement(feed, element))
                {
                    yield return new JsonRecord(line, default, "the file ends inside the row that begins here, so the array is not whole. Fetch or write the file again; rows behind this place are lost.");
                    yield break;
                }

                yield return element.ToRecord(line);
            }
            while (feed.Next() == ',');
        }

        if (feed.PeekPastWhite() >= 0)
            yield return new JsonRecord(feed.Line, default, "there is something behind the end of the JSON array. Write one array, or one object a line without an array.");
    }

    /// <summary>Reads up to the comma or the bracket behind an element, which stays; false where the file ends before.</summary>
    private static bool ReadElement(ByteFeed feed, RecordBuffer element)
    {
        bool inText = false, escaped = false;
        for (int depth = 0, value = feed.Peek(); value >= 0; value = feed.Peek())
        {
            if (!inText && depth == 0 && value is (',' or ']')) return true;
            element.Add((byte)feed.Next());
            if (inText)
            {
                inText = escaped || value != '"';
                escaped = !escaped && value == '\\';
            }
            else if (value == '"')
            {
                inText = true;
            }
            else if (value is '{' or '[')
            {
                depth++;
            }
            else if (depth > 0 && value is ('}' or ']'))
            {
                depth--;
            }
        }

        return false;
    }
}
