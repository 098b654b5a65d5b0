namespace Microsoft.ML.MetaMorph;

/// <summary>How Parquet files are read.</summary>
public sealed class ParquetRowOptions
{
    /// <summary>The prompt of every row, with columns of text in braces: <c>&lt;image&gt;\n{question}</c>. Null (default), together with <see cref="Response"/>: the files have a column <c>conversations</c> or <c>messages</c>.</summary>
    public string? Prompt { get; set; }

    /// <summary>The response of every row, as <see cref="Prompt"/>: <c>{answer}</c>, or <c>&lt;image&gt;</c> where pictures are to be drawn.</summary>
    public string? Response { get; set; }

    /// <summary>The column of a picture or of a list of pictures, as bytes, as <c>{bytes, path}</c> or as a path. Null (default): <c>image</c> or <c>images</c>, where there is one.</summary>
    public string? ImageColumnName { get; set; }

    /// <summary>The folder in which paths of pictures begin, and out of which none may lead; null for the folder of each file.</summary>
    public string? ImageFolder { get; set; }

    /// <summary>How many row groups keep their pictures in memory: 1 to 1,024; 2 by default. Rows hold the places of their pictures; a picture of a group that is no more in memory is read with its group once more.</summary>
    public int CachedRowGroups { get; set; } = 2;

    /// <summary>The most that the columns read of one row group may need in memory, in bytes: 1 to 1,099,511,627,776 (1 TiB); 2 GiB by default. A file with a larger one is refused there, before it is read.</summary>
    public long MaximumRowGroupBytes { get; set; } = 1L << 31;

    internal void Validate()
    {
        if (MaximumRowGroupBytes is < 1 or > 1L << 40) throw new ArgumentOutOfRangeException(nameof(MaximumRowGroupBytes), MaximumRowGroupBytes, $"{nameof(MaximumRowGroupBytes)} is {MaximumRowGroupBytes}; 1 to {1L << 40} are possible.");
        if (CachedRowGroups is < 1 or > 1024) throw new ArgumentOutOfRangeException(nameof(CachedRowGroups), CachedRowGroups, $"{nameof(CachedRowGroups)} is {CachedRowGroups}; 1 to 1024 are possible.");
        if ((Prompt is null) != (Response is null)) throw new ArgumentException($"{(Prompt is null ? nameof(Response) : nameof(Prompt))} is given without {(Prompt is null ? nameof(Prompt) : nameof(Response))}. Give both, or neither where the files have 'conversations' or 'messages'.");
        if (ImageColumnName is { Length: 0 }) throw new ArgumentException($"{nameof(ImageColumnName)} is empty; name a column, or leave it null.");
    }
}
