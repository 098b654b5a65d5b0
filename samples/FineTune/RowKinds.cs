namespace FineTune;

/// <summary>What a row asks for.</summary>
internal enum RowKind
{
    /// <summary>Words, answered by words.</summary>
    TextOnly,

    /// <summary>A question about a picture.</summary>
    ImageQuestion,

    /// <summary>A description, answered by a picture.</summary>
    TextToImage,

    /// <summary>A picture, answered by another: an edit, a next frame, a thought that is shown.</summary>
    ImageToImage,
}

/// <summary>Tells kinds of rows by where the marks of pictures stand.</summary>
internal static class RowKinds
{
    /// <summary>Marks where a picture stands.</summary>
    public const string Mark = "<image>";

    /// <summary>The kind of a row; of several turns the last response is the one that is asked for.</summary>
    public static RowKind Of(IReadOnlyList<string> prompts, IReadOnlyList<string> responses)
    {
        bool reads = prompts.Concat(responses.SkipLast(1)).Any(text => Marks(text) > 0), draws = Marks(responses[^1]) > 0;
        if (draws) return reads ? RowKind.ImageToImage : RowKind.TextToImage;
        return reads ? RowKind.ImageQuestion : RowKind.TextOnly;
    }

    /// <summary>How many pictures a text has.</summary>
    public static int Marks(string text) => text.Split(Mark).Length - 1;

    /// <summary>A text without its marks.</summary>
    public static string Words(string text) => text.Replace(Mark, " ", StringComparison.Ordinal).Trim();
}
