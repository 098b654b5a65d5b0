namespace Microsoft.ML.MetaMorph;

/// <summary>A finished (or cancelled) response.</summary>
internal sealed record GeneratedResponse
{
    /// <summary>The mark of an image in <see cref="Text"/>.</summary>
    public const string ImageMark = "<image>";

    /// <summary>The text without special tokens, one <see cref="ImageMark"/> for each whole image; empty where the generator has no tokenizer.</summary>
    public required string Text { get; init; }

    /// <summary>Every text token in order, with image-start, image-end and end tokens.</summary>
    public required int[] TokenIds { get; init; }

    /// <summary><c>[ImageCount, tokensPerImage, width]</c>, whole images only.</summary>
    public required float[] VisualTokens { get; init; }

    public required int ImageCount { get; init; }

    /// <summary>For each of <see cref="TokenIds"/>, the logarithm of the probability that the model gave it; null where not asked for.</summary>
    public required float[]? LogProbabilities { get; init; }

    public required ResponseFinishReason FinishReason { get; init; }

    /// <summary>Text tokens and visual tokens that were made, those of an unfinished image included.</summary>
    public required int Positions { get; init; }

    /// <summary>Visual tokens of an image that was begun but not finished; they are not among <see cref="VisualTokens"/>.</summary>
    public required int DroppedVisualTokens { get; init; }
}
