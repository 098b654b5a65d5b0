namespace Microsoft.ML.MetaMorph;

/// <summary>The sizes of the captioning decoder, which only the encoder's training uses.</summary>
internal sealed record CaptionDecoderConfig : SiglipEncoderConfig
{
    /// <summary>Tokens of the text.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The longest caption that is read, in tokens.</summary>
    public required int MaxTextLength { get; init; }

    /// <summary>N, the visual tokens before the text.</summary>
    public required int VisualTokenCount { get; init; }

    /// <summary>D, their width.</summary>
    public required int VisualTokenWidth { get; init; }
}
