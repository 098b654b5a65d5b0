namespace Microsoft.ML.MetaMorph;

/// <summary>How long rows are, from their texts alone: a mark stands for as many positions as a picture has tokens, and no picture is looked at.</summary>
/// <param name="all">The positions of each row that was looked at: the first ones.</param>
internal sealed class ConversationLengths(IReadOnlyList<int> all)
{
    /// <summary>Rows that are looked at.</summary>
    public const int Sample = 1000;

    /// <summary>Rows that were looked at.</summary>
    public long Rows => all.Count;

    /// <summary>Positions of a row on average; 0 where there is none.</summary>
    public double Mean => all.Count == 0 ? 0 : all.Average();

    /// <summary>Positions of the longest row; 0 where there is none.</summary>
    public long Longest => all.Count == 0 ? 0 : all.Max();

    /// <summary>The rows of the longest sequence that is computed at a time, where steps take the rows as they come.</summary>
    /// <param name="batchSize">Rows of a step.</param>
    /// <param name="budget">Positions of a sequence of several rows.</param>
    public int[] LongestSequence(int batchSize, int budget)
    {
        var packer = new SequencePacker(budget, tokensPerImage: 1, imageStartId: 0);
        return all.Chunk(batchSize).SelectMany(step => packer.Plan(step).Select(pack => pack.Select(row => step[row]).ToArray())).MaxBy(rows => rows.Sum()) ?? [];
    }

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
    public static ConversationLengths Of(IDataView data, MetaMorphSettings settings, ConversationEncoder encoder, int visualTokenCount, int maximumLength, bool skipBadRows)
    {
        string[] names = [settings.PromptColumnName, settings.ResponseColumnName!];
        using DataViewRowCursor cursor = data.GetRowCursor(names.Select(name => data.Schema[name]));
        (var prompt, var response) = (new TextColumn(cursor, names[0]), new TextColumn(cursor, names[1]));
        var lengths = new List<int>();
        while (lengths.Count < Sample && RowErrors.MoveNext(cursor))
        {
            try
            {
                ConversationRow row = ConversationRow.ForTraining(settings, cursor.Position, prompt.Read(cursor.Position), response.Read(cursor.Position));
                lengths.Add(encoder.Encode(row.Conversation, maximumLength, visualTokenCount, out _).ExpandedLength(visualTokenCount));
            }
            catch (Exception failure) when (skipBadRows && RowErrors.IsOfRow(failure))
            {
                // It will be passed over, and told, by the training too.
                continue;
            }
        }

        return new ConversationLengths(lengths);
    }
}
