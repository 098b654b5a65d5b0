namespace Microsoft.ML.MetaMorph;

/// <summary>How tokens become text. Immutable; <see cref="Start"/> makes the stage that does it once.</summary>
internal abstract class TokenDecoder
{
    public abstract DecodingStage Start(DecodingStage next);

    /// <summary>Reads the <c>decoder</c> of a <c>tokenizer.json</c>.</summary>
    public static TokenDecoder Read(TokenizerSection section) => section.Type switch
    {
        "Sequence" => new SequenceDecoder([.. section.Items("decoders").Select(Read)]),
        "ByteLevel" => new ByteLevelDecoder(),
        "Metaspace" => new MetaspaceDecoder(MetaspacePreTokenization.ReadReplacement(section), MetaspacePreTokenization.ReadScheme(section)),
        "WordPiece" => new WordPieceDecoder(section.OptionalText("prefix") ?? "##", section.Flag("cleanup", true)),
        "BPEDecoder" => new SuffixDecoder(section.OptionalText("suffix") ?? "</w>"),
        "ByteFallback" => new ByteFallbackDecoder(),
        "Fuse" => new FuseDecoder(),
        "Strip" => StripDecoder.Read(section),
        "Replace" => new ReplaceDecoder(TextPattern.Read(section.Required("pattern")), section.Text("content")),
        _ => throw section.Unsupported("decoder"),
    };
}
