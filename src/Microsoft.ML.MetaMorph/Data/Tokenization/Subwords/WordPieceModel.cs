using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>BERT's WordPiece: the longest known beginning, then the longest known continuation, or the whole word unknown.</summary>
internal sealed class WordPieceModel(TokenVocabulary vocabulary, string prefix, string unknown, int unknownId, int maximumCharacters) : SubwordModel
{
    public override int Count => vocabulary.Count;

    public override IEnumerable<KeyValuePair<string, int>> Vocabulary => vocabulary.Entries;

    public new static WordPieceModel Read(TokenizerSection section)
    {
        TokenVocabulary vocabulary = TokenVocabulary.Read(section);
        string unknown = section.OptionalText("unk_token") ?? "[UNK]";
        return new WordPieceModel(
            vocabulary,
            section.OptionalText("continuing_subword_prefix") ?? "##",
            unknown,
            vocabulary.Require(unknown, section, "unk_token"),
            section.Number("max_input_chars_per_word", 100));
    }

    public override int? Id(string token) => vocabulary.Id(token);

    public override string? Token(int id) => vocabulary.Token(id);

    public override IReadOnlyList<SubwordToken> Tokenize(string piece)
    {
        SubwordToken[] whole = [new SubwordToken(unknownId, unknown, 0, piece.Length)];
        if (piece.EnumerateRunes().Count() > maximumCharacters) return whole;
        var tokens = new List<SubwordToken>();
        for (int start = 0; start < piece.Length;)
        {
            if (Longest(piece, start) is not { } token) return whole;
            tokens.Add(token);
            start += token.Length;
        }
        return tokens;
    }

    private SubwordToken? Longest(string piece, int start)
    {
        for (int end = piece.Length; end > start;)
        {
            string text = start > 0 ? string.Concat(prefix, piece.AsSpan(start, end - start)) : piece[..end];
            if (vocabulary.Id(text) is { } id) return new SubwordToken(id, text, start, end - start);
            Rune.DecodeLastFromUtf16(piece.AsSpan(start, end - start), out _, out int character);
            end -= character;
        }
        return null;
    }
}
