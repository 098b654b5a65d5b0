using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a step of drawing did.</summary>
/// <param name="FirstRow">The first of the rows that are drawn now.</param>
/// <param name="Rows">How many there are.</param>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Preview">Makes the pictures as they would be if this step were the last, <c>[rows, 3, height, width]</c> in 0 … 1; callable until the callback returns, from any thread; later it throws an <see cref="InvalidOperationException"/>. Costs a decoding.</param>
internal sealed record DrawingProgress(int FirstRow, int Rows, int Step, int Steps, Func<Tensor> Preview);
