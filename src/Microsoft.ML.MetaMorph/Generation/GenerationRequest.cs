namespace Microsoft.ML.MetaMorph;

/// <summary>One prompt.</summary>
/// <param name="Ids">Token ids, with ONE <see cref="MetaMorphModel.ImagePlaceholder"/> for each image. A prompt that ends with the image-start token is continued with an image.</param>
/// <param name="VisualTokens"><c>[images, tokensPerImage, width]</c> in the order of the placeholders; empty for none.</param>
internal sealed record GenerationRequest(int[] Ids, float[] VisualTokens)
{
    /// <summary>This row's seed; null takes the options'.</summary>
    public int? Seed { get; init; }

    /// <summary>What the first text positions must be, whatever the model would choose.</summary>
    public int[] ForcedIds { get; init; } = [];
}
