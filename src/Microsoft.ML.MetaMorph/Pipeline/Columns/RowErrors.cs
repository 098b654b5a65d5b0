namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Failures that belong to one row of the data. They name its number and its columns, and are put off until somebody asks for a value of
/// that row: the rows beside it in a batch have their values all the same.
/// </summary>
internal static class RowErrors
{
    // How every message of ours about a row begins, in this room and in those below.
    private const string Beginning = "Row ";

    // Why such a row can neither be passed over nor have an error column behind the cache.
    private const string Ended = "The rows come through a cache or a parallel cursor of ML.NET, which ends with its first error, so neither this row can be passed over nor any other read. "
        + "Give the step that failed (EncodeImages, EmbedImages, EmbedTexts, ClassifyZeroShot or GenerateResponse) an ErrorColumnName in front of the cache, or leave the cache (AppendCacheCheckpoint) out.";

    /// <summary>Whether a failure tells of a row's data; else of the machine, a cancellation, or something that was disposed.</summary>
    public static bool IsOfRow(Exception failure)
        => failure is InvalidDataException or ArgumentException or FormatException or NotSupportedException or IOException or UnauthorizedAccessException
            || (failure is InvalidOperationException && failure is not ObjectDisposedException);

    /// <summary>One or several columns, as a message goes on after the row's number.</summary>
    public static string Columns(params IEnumerable<string?> names)
    {
        string[] quoted = [.. names.OfType<string>().Distinct().Select(name => $"'{name}'")];
        return quoted.Length == 1 ? $"column {quoted[0]}" : $"columns {string.Join(", ", quoted[..^1])} and {quoted[^1]}";
    }

    /// <summary>An error of ours.</summary>
    /// <param name="row">The row's number.</param>
    /// <param name="columns">What <see cref="Columns"/> gave.</param>
    /// <param name="problem">What is wrong, and what to do.</param>
    /// <param name="inner">The failure behind it.</param>
    public static InvalidDataException At(long row, string columns, string problem, Exception? inner = null)
        => new(FormattableString.Invariant($"{Beginning}{row}, {columns}: {problem}"), inner);

    /// <summary>
    /// A failure of any component: as it is where it names its row, else as the cause of one that does. ML.NET's caches and parallel cursors
    /// wrap what they catch in an error that says nothing of it; one of ours inside is then told instead.
    /// </summary>
    public static Exception Named(Exception failure, long row, string columns)
    {
        if (NamesRow(failure)) return failure;
        return Inside(failure) is { } wrapped ? new InvalidDataException(wrapped.Message, failure) : At(row, columns, failure.Message, failure);
    }

    /// <summary>Moves a cursor on. Where a cache or a parallel cursor of ML.NET ended with the failure of a row, that row is told.</summary>
    /// <exception cref="InvalidDataException">It did; no further row can be read.</exception>
    public static bool MoveNext(DataViewRowCursor cursor)
    {
        try
        {
            return cursor.MoveNext();
        }
        catch (Exception failure) when (!NamesRow(failure) && Inside(failure) is not null)
        {
            throw new InvalidDataException($"{Inside(failure)!.Message} {Ended}", failure);
        }
    }

    private static bool NamesRow(Exception failure) => failure.Message.StartsWith(Beginning, StringComparison.Ordinal);

    /// <summary>The innermost failure that names its row.</summary>
    private static Exception? Inside(Exception failure)
    {
        Exception? found = null;
        for (Exception? inner = failure.InnerException; inner is not null; inner = inner.InnerException)
        {
            if (NamesRow(inner)) found = inner;
        }

        return found;
    }
}
