namespace Microsoft.ML.MetaMorph;

/// <summary>The part of a tokenizer that turns one piece of text into tokens of a vocabulary. Thread-safe.</summary>
internal abstract class SubwordModel
{
    /// <summary>The number of entries, without added tokens.</summary>
    public abstract int Count { get; }

    public abstract IEnumerable<KeyValuePair<string, int>> Vocabulary { get; }

    public abstract int? Id(string token);

    public abstract string? Token(int id);

    public abstract IReadOnlyList<SubwordToken> Tokenize(string piece);

    /// <summary>Reads the <c>model</c> of a <c>tokenizer.json</c>.</summary>
    public static SubwordModel Read(TokenizerSection section) => (section.OptionalText("type") ?? Guess(section)) switch
    {
        "BPE" => BytePairModel.Read(section),
        "Unigram" => UnigramModel.Read(section),
        "WordPiece" => WordPieceModel.Read(section),
        "WordLevel" => WordLevelModel.Read(section),
        _ => throw section.Unsupported("model"),
    };

    /// <summary>Files of the first years do not name their model.</summary>
    private static string Guess(TokenizerSection section)
    {
        if (section.Optional("merges") is not null) return "BPE";
        if (section.Optional("unk_id") is not null) return "Unigram";
        return section.Optional("max_input_chars_per_word") is not null ? "WordPiece" : throw section.Wrong("has no 'type'");
    }
}
