namespace Microsoft.ML.MetaMorph;

/// <summary>A response that has ended, also one that ended early because it was cancelled.</summary>
public sealed class GeneratedResponse
{
    /// <summary>The mark of an image in <see cref="Text"/>.</summary>
    internal const string ImageMark = "<image>";

    internal GeneratedResponse()
    {
    }

    /// <summary>The text without special tokens, one <c>&lt;image&gt;</c> for each image.</summary>
    public required string Text { get; init; }

    /// <summary>Every text token in order, with image-start, image-end and end tokens.</summary>
    public required int[] TokenIds { get; init; }

    /// <summary>
    /// <c>[<see cref="ImageCount"/>, N, D]</c>: the visual tokens of the images, as an image encoder would give them, in the order of their
    /// marks. Whole images only.
    /// </summary>
    public required float[] VisualTokens { get; init; }

    /// <summary>How many images the response holds.</summary>
    public required int ImageCount { get; init; }

    /// <summary>For each of <see cref="TokenIds"/> the natural logarithm of the probability that the model gave it; null where <see cref="GenerationOptions.LogProbabilities"/> did not ask for it.</summary>
    public required float[]? LogProbabilities { get; init; }

    /// <summary>Why the response ended.</summary>
    public required ResponseFinishReason FinishReason { get; init; }

    /// <summary>Text tokens and visual tokens that were made, those of an unfinished image included.</summary>
    public required int Positions { get; init; }

    /// <summary>Visual tokens of an image that was begun but not finished; they are not among <see cref="VisualTokens"/>.</summary>
    public required int DroppedVisualTokens { get; init; }

    /// <summary>The response as a message, for the conversation to go on with.</summary>
    /// <returns>An assistant's message with text and images.</returns>
    public ConversationMessage ToMessage() => ConversationMessage.Assistant(Text, VisualTokens);

    /// <summary>The text.</summary>
    /// <returns><see cref="Text"/>.</returns>
    public override string ToString() => Text;
}
