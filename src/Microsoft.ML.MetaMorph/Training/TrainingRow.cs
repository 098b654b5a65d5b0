namespace Microsoft.ML.MetaMorph;

/// <summary>One encoded row.</summary>
/// <param name="Sequence">Ids and labels.</param>
/// <param name="VisualTokens">The row's images, <c>[images, N, D]</c> flattened, in the order that <see cref="TokenSequence.ImageOrder"/> counts.</param>
/// <param name="Number">The row's number in its source, for messages.</param>
internal sealed record TrainingRow(TokenSequence Sequence, ReadOnlyMemory<float> VisualTokens, long Number);
