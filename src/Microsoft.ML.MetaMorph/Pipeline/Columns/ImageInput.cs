using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>One picture of a row: exactly one of the three is set.</summary>
internal readonly record struct ImageInput(MLImage? Image, string? Path, byte[]? Encoded);
