namespace Microsoft.ML.MetaMorph;

/// <summary>A step that cuts normalised text into the pieces that the model sees, changing characters where the published component does.</summary>
internal abstract class PreTokenizationStep
{
    private const string Word = @"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\u24B6-\u24E9\u200C\u200D";

    private static readonly Lazy<TextPattern> WhitespaceWords = new(() => TextPattern.FromRegex($@"[{Word}]+|[^\s{Word}]+"));

    /// <summary>Cuts one piece; empty parts are dropped by the caller.</summary>
    public abstract IEnumerable<TextPiece> Split(TextPiece piece);

    /// <summary>Reads the <c>pre_tokenizer</c> of a <c>tokenizer.json</c>.</summary>
    public static PreTokenizationStep Read(TokenizerSection section) => section.Type switch
    {
        "Sequence" => new SequencePreTokenization([.. section.Items("pretokenizers").Select(Read)]),
        "Split" => PatternPreTokenization.Read(section),
        "ByteLevel" => new ByteLevelPreTokenization(section.Flag("add_prefix_space", true), section.Flag("use_regex", true)),
        "Metaspace" => MetaspacePreTokenization.Read(section),
        "Whitespace" => new PatternPreTokenization(WhitespaceWords.Value, SplitBehavior.Removed, invert: true),
        "WhitespaceSplit" => new CharacterPreTokenization(System.Text.Rune.IsWhiteSpace, SplitBehavior.Removed),
        "BertPreTokenizer" => new SequencePreTokenization(
        [
            new CharacterPreTokenization(System.Text.Rune.IsWhiteSpace, SplitBehavior.Removed),
            new CharacterPreTokenization(UnicodeCharacter.IsPunctuation, SplitBehavior.Isolated),
        ]),
        "Punctuation" => new CharacterPreTokenization(UnicodeCharacter.IsPunctuation, SplitBehaviors.Read(section, SplitBehavior.Isolated)),
        "Digits" => new CharacterPreTokenization(UnicodeCharacter.IsNumeric, section.Flag("individual_digits", false) ? SplitBehavior.Isolated : SplitBehavior.Contiguous),
        "CharDelimiterSplit" => CharacterPreTokenization.ReadDelimiter(section),
        "FixedLength" => new FixedLengthPreTokenization(section.Number("length", 5), section),
        _ => throw section.Unsupported("pre-tokenizer"),
    };
}
