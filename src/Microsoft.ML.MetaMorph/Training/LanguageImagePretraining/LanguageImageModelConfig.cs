namespace Microsoft.ML.MetaMorph;

/// <summary>An encoder in training: the vision tower, and what teaches it.</summary>
/// <param name="Vision">The tower that is kept.</param>
/// <param name="Text">The text tower; null without the contrastive loss.</param>
/// <param name="Decoder">The captioning decoder; null without the caption loss.</param>
/// <param name="Tokens">How the tower's patches become the visual tokens that the decoder reads.</param>
internal sealed record LanguageImageModelConfig(VisionTowerConfig Vision, SiglipTextConfig? Text, CaptionDecoderConfig? Decoder, VisualTokenSettings Tokens)
{
    /// <summary>The model that the options describe.</summary>
    /// <param name="options">Validated here.</param>
    /// <param name="tokens">The tokenizer's sizes.</param>
    /// <param name="vision">A published tower to continue; null starts one of the options' sizes.</param>
    /// <param name="text">Its text tower.</param>
    /// <param name="visual">How its patches become visual tokens; null takes as many as the options say.</param>
    /// <exception cref="ArgumentException">Options, tokenizer and published towers do not fit together.</exception>
    public static LanguageImageModelConfig Create(LanguageImagePretrainingOptions options, CaptionTokens tokens, VisionTowerConfig? vision = null, SiglipTextConfig? text = null, VisualTokenSettings? visual = null)
    {
        options.Validate();
        tokens.Check();
        bool contrasts = options.ContrastiveWeight > 0;
        VisionTowerConfig tower = vision ?? FreshVision(options);
        if (contrasts && !tower.UseHead) throw new ArgumentException("The contrastive loss needs a pooled picture, but the vision tower to continue has no pooling head. Set ContrastiveWeight to 0.");
        if (text is not null && text.VocabularySize < tokens.VocabularySize)
            throw new ArgumentException($"The text tower to continue knows {text.VocabularySize} tokens, the tokenizer has {tokens.VocabularySize}. Use the tokenizer that the tower was published with.");
        VisualTokenSettings visualTokens = visual ?? new VisualTokenSettings(options.VisualTokenCount);
        int width = tower.HiddenSize;
        return new LanguageImageModelConfig(
            tower,
            contrasts ? text ?? FreshText(options, tokens, width) : null,
            options.CaptionWeight > 0 ? FreshDecoder(options, tokens, width, visualTokens) : null,
            visualTokens);
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

    private static CaptionDecoderConfig FreshDecoder(LanguageImagePretrainingOptions options, CaptionTokens tokens, int width, VisualTokenSettings visual) => new()
    {
        HiddenSize = width,
        IntermediateSize = 4 * width,
        HiddenLayers = options.CaptionLayerCount,
        AttentionHeads = HeadsFor(width, options.HeadCount),
        Activation = options.Activation,
        VocabularySize = tokens.VocabularySize,
        MaxTextLength = options.MaximumTextLength,
        VisualTokenCount = visual.Count,
        VisualTokenWidth = TokenReduction.TokenWidth(visual.Reduction, width),
    };

    // The options' number of heads belongs to a fresh tower; beside a published one of another width it need not divide.
    private static int HeadsFor(int width, int heads)
    {
        while (width % heads != 0) heads--;
        return heads;
    }
}
