namespace Microsoft.ML.MetaMorph;

/// <summary>An encoder in training: the vision tower, and what teaches it.</summary>
/// <param name="Vision">The tower that is kept.</param>
/// <param name="Text">The text tower; null without the contrastive loss.</param>
/// <param name="Decoder">The captioning decoder; null without the caption loss.</param>
/// <param name="Tokens">How the tower's patches become the visual tokens that the decoder reads.</param>
internal sealed record LanguageImageModelConfig(SiglipVisionConfig Vision, SiglipTextConfig? Text, CaptionDecoderConfig? Decoder, VisualTokenSettings Tokens)
{
    /// <summary>The model that the options describe.</summary>
    /// <param name="options">Validated here.</param>
    /// <param name="tokens">The tokenizer's sizes.</param>
    /// <param name="vision">A published tower to continue; null starts one of the options' sizes.</param>
    /// <param name="text">Its text tower.</param>
    /// <exception cref="ArgumentException">Options, tokenizer and published towers do not fit together.</exception>
    public static LanguageImageModelConfig Create(LanguageImagePretrainingOptions options, CaptionTokens tokens, SiglipVisionConfig? vision = null, SiglipTextConfig? text = null)
    {
        options.Validate();
        tokens.Check();
        bool contrasts = options.ContrastiveWeight > 0;
        SiglipVisionConfig tower = vision ?? FreshVision(options);
        if (contrasts && !tower.UseHead) throw new ArgumentException("The contrastive loss needs a pooled picture, but the vision tower to continue has no pooling head. Set ContrastiveWeight to 0.");
        if (text is not null && text.VocabularySize < tokens.VocabularySize)
            throw new ArgumentException($"The text tower to continue knows {text.VocabularySize} tokens, the tokenizer has {tokens.VocabularySize}. Use the tokenizer that the tower was published with.");
        int width = tower.HiddenSize, visualWidth = TokenReduction.TokenWidth(TokenReductionKind.Interpolation, width);
        return new LanguageImageModelConfig(
            tower,
            contrasts ? text ?? FreshText(options, tokens, width) : null,
            options.CaptionWeight > 0 ? FreshDecoder(options, tokens, width, visualWidth) : null,
            new VisualTokenSettings(options.VisualTokenCount));
    }

    private static SiglipVisionConfig FreshVision(LanguageImagePretrainingOptions options) => new()
    {
        ImageSize = options.ImageSize,
        PatchSize = options.PatchSize,
        HiddenSize = options.Width,
        IntermediateSize = options.FeedForwardWidth ?? 4 * options.Width,
        HiddenLayers = options.LayerCount,
        AttentionHeads = options.HeadCount,
        Activation = options.Activation,
        UseHead = options.ContrastiveWeight > 0,
    };

    private static SiglipTextConfig FreshText(LanguageImagePretrainingOptions options, CaptionTokens tokens, int width) => new()
    {
        HiddenSize = width,
        IntermediateSize = 4 * width,
        HiddenLayers = options.TextLayerCount,
        AttentionHeads = HeadsFor(width, options.HeadCount),
        Activation = options.Activation,
        VocabularySize = tokens.VocabularySize,
        MaxPositions = options.MaximumTextLength,
        ProjectionSize = width,
    };

    private static CaptionDecoderConfig FreshDecoder(LanguageImagePretrainingOptions options, CaptionTokens tokens, int width, int visualWidth) => new()
    {
        HiddenSize = width,
        IntermediateSize = 4 * width,
        HiddenLayers = options.CaptionLayerCount,
        AttentionHeads = HeadsFor(width, options.HeadCount),
        Activation = options.Activation,
        VocabularySize = tokens.VocabularySize,
        MaxTextLength = options.MaximumTextLength,
        VisualTokenCount = options.VisualTokenCount,
        VisualTokenWidth = visualWidth,
    };

    // The options' number of heads belongs to a fresh tower; beside a published one of another width it need not divide.
    private static int HeadsFor(int width, int heads)
    {
        while (width % heads != 0) heads--;
        return heads;
    }
}
