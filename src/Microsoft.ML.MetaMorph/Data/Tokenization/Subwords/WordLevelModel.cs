namespace Microsoft.ML.MetaMorph;

/// <summary>One token a word.</summary>
internal sealed class WordLevelModel(TokenVocabulary vocabulary, string unknown, int? unknownId, string file) : SubwordModel
{
    public override int Count => vocabulary.Count;

    public override IEnumerable<KeyValuePair<string, int>> Vocabulary => vocabulary.Entries;

    public new static WordLevelModel Read(TokenizerSection section)
    {
        TokenVocabulary vocabulary = TokenVocabulary.Read(section);
        string unknown = section.OptionalText("unk_token") ?? "<unk>";
        return new WordLevelModel(vocabulary, unknown, vocabulary.Id(unknown), section.File);
    }

    public override int? Id(string token) => vocabulary.Id(token);

    public override string? Token(int id) => vocabulary.Token(id);

    public override IReadOnlyList<SubwordToken> Tokenize(string piece)
    {
        if (vocabulary.Id(piece) is { } id) return [new SubwordToken(id, piece, 0, piece.Length)];
        if (unknownId is not { } other) throw new InvalidDataException($"{file}: the word '{piece}' is not in the vocabulary, and neither is the unknown token '{unknown}'.");
        return [new SubwordToken(other, unknown, 0, piece.Length)];
    }
}
