namespace Microsoft.ML.MetaMorph;

/// <summary>What a validator found at one place.</summary>
/// <param name="Severity">Whether the row cannot be used, or should be looked at.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Place">Where the row stands.</param>
/// <param name="Message">What is wrong, and what to do.</param>
public sealed record DataFinding(DataFindingSeverity Severity, DataFindingKind Kind, RowPlace Place, string Message)
{
    /// <summary>The finding in one line.</summary>
    /// <returns><c>error: rows.jsonl, line 17: the answer of turn 1 of 1 is empty, …</c></returns>
    public override string ToString() => $"{(Severity == DataFindingSeverity.Error ? "error" : "warning")}: {Place}: {Message}";
}

/// <summary>Whether a row can be used.</summary>
public enum DataFindingSeverity
{
    /// <summary>It can, but should be looked at.</summary>
    Warning,

    /// <summary>It cannot.</summary>
    Error,
}

/// <summary>What a validator looks for.</summary>
public enum DataFindingKind
{
    /// <summary>A row that could not be read: broken text, an unknown role, an empty answer, marks and pictures of different number, a missing picture.</summary>
    Row,

    /// <summary>A picture that cannot be decoded.</summary>
    Picture,

    /// <summary>A row that a tokenizer cannot encode.</summary>
    Encoding,

    /// <summary>A row that is longer than a model reads, and will be cut.</summary>
    Length,

    /// <summary>A row that was there before: the same texts and pictures.</summary>
    Duplicate,
}
