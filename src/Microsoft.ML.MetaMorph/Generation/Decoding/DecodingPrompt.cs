namespace Microsoft.ML.MetaMorph;

/// <summary>What a sequence starts from.</summary>
/// <param name="Ids">Ids, an image's placeholder repeated for every visual token of it. At least one.</param>
/// <param name="VisualTokens"><c>[images, tokensPerImage, width]</c> in the order of the placeholders; empty for none.</param>
/// <param name="MaxNewPositions">Positions to keep room for.</param>
/// <param name="WantsVisual">Whether a visual token follows the prompt.</param>
internal sealed record DecodingPrompt(int[] Ids, float[] VisualTokens, int MaxNewPositions, bool WantsVisual);
