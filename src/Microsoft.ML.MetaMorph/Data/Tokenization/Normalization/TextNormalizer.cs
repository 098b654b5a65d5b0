namespace Microsoft.ML.MetaMorph;

/// <summary>A step that changes the text between added tokens before it is cut into words.</summary>
internal abstract class TextNormalizer : Tokenizers.Normalizer
{
    // Unicode's own forms make at most 18 characters of one; byte-level letters and blanks around it make at most 3 of each.
    private const long GrowthLimit = 64, Spare = 16;

    public sealed override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());

    /// <summary>The changed text.</summary>
    /// <param name="original">The text.</param>
    /// <param name="limit">How long it may become; a step that a file can make grow without end has to look first.</param>
    /// <exception cref="InvalidDataException">It would become longer.</exception>
    public virtual string Normalize(string original, long limit) => Normalize(original);

    /// <summary>How long a whole normalizer may make a text: a file's replacements could else make gigabytes of a few words.</summary>
    protected static long Limit(string original) => GrowthLimit * (original.Length + Spare);

    /// <summary>Whether what begins the result comes from what begins the text: a Metaspace that marks only the text's start asks.</summary>
    public virtual bool KeepsStart(string original) => true;

    /// <summary>Reads the <c>normalizer</c> of a <c>tokenizer.json</c>.</summary>
    public static TextNormalizer Read(TokenizerSection section) => section.Type switch
    {
        "Sequence" => new SequenceNormalizer([.. section.Items("normalizers").Select(Read)], section),
        "NFC" => new UnicodeFormNormalizer(System.Text.NormalizationForm.FormC),
        "NFD" => new UnicodeFormNormalizer(System.Text.NormalizationForm.FormD),
        "NFKC" => new UnicodeFormNormalizer(System.Text.NormalizationForm.FormKC),
        "NFKD" => new UnicodeFormNormalizer(System.Text.NormalizationForm.FormKD),
        "Lowercase" => new LowercaseNormalizer(),
        "Strip" => new StripNormalizer(section.Flag("strip_left", true), section.Flag("strip_right", true)),
        "StripAccents" => new StripAccentsNormalizer(),
        "Replace" => new ReplaceNormalizer(TextPattern.Read(section.Required("pattern")), section.Text("content"), section),
        "Prepend" => new PrependNormalizer(section.Text("prepend"), section),
        "BertNormalizer" => BertNormalizer.Read(section),
        "Precompiled" => PrecompiledNormalizer.Read(section),
        "Nmt" => new NmtNormalizer(),
        "ByteLevel" => new ByteLevelNormalizer(),
        _ => throw section.Unsupported("normalizer"),
    };

    /// <summary>The error for a text that would become too long.</summary>
    protected static InvalidDataException Grown(TokenizerSection section, long from, long to, long limit)
        => section.Wrong($"('{section.Type}') makes at least {to} characters of {from}, and {limit} are allowed for this text: a normalizer may make a text at most about {GrowthLimit} times as long");
}
