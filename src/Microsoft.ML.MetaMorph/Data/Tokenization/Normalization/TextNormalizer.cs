namespace Microsoft.ML.MetaMorph;

/// <summary>A step that changes the text between added tokens before it is cut into words.</summary>
internal abstract class TextNormalizer : Tokenizers.Normalizer
{
    public sealed override string Normalize(ReadOnlySpan<char> original) => Normalize(original.ToString());

    /// <summary>Whether what begins the result comes from what begins the text: a Metaspace that marks only the text's start asks.</summary>
    public virtual bool KeepsStart(string original) => true;

    /// <summary>Reads the <c>normalizer</c> of a <c>tokenizer.json</c>.</summary>
    public static TextNormalizer Read(TokenizerSection section) => section.Type switch
    {
        "Sequence" => new SequenceNormalizer([.. section.Items("normalizers").Select(Read)]),
        "NFC" => new UnicodeFormNormalizer(System.Text.NormalizationForm.FormC),
        "NFD" => new UnicodeFormNormalizer(System.Text.NormalizationForm.FormD),
        "NFKC" => new UnicodeFormNormalizer(System.Text.NormalizationForm.FormKC),
        "NFKD" => new UnicodeFormNormalizer(System.Text.NormalizationForm.FormKD),
        "Lowercase" => new LowercaseNormalizer(),
        "Strip" => new StripNormalizer(section.Flag("strip_left", true), section.Flag("strip_right", true)),
        "StripAccents" => new StripAccentsNormalizer(),
        "Replace" => new ReplaceNormalizer(TextPattern.Read(section.Required("pattern")), section.Text("content")),
        "Prepend" => new PrependNormalizer(section.Text("prepend")),
        "BertNormalizer" => BertNormalizer.Read(section),
        "Precompiled" => PrecompiledNormalizer.Read(section),
        "Nmt" => new NmtNormalizer(),
        "ByteLevel" => new ByteLevelNormalizer(),
        _ => throw section.Unsupported("normalizer"),
    };
}
