using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What a denoiser is told about the pictures; rows lie along the first dimension of each tensor.</summary>
/// <param name="Context">For cross-attention: <c>[b, n, width]</c>.</param>
/// <param name="Grid">For the input's channels: <c>[b, channels, height, width]</c>; null where the network has none.</param>
internal sealed record DiffusionConditioning(Tensor Context, Tensor? Grid = null)
{
    public long Rows => Context.shape[0];

    /// <summary>The conditioning that says nothing: zeros, as in training where it is dropped.</summary>
    public DiffusionConditioning Zeros() => new(zeros_like(Context), Grid is null ? null : zeros_like(Grid));

    /// <summary>Some of the rows, as views.</summary>
    public DiffusionConditioning Slice(long begin, long count) => new(Context.narrow(0, begin, count), Grid?.narrow(0, begin, count));

    /// <summary>The rows of this one and then those of another.</summary>
    public DiffusionConditioning Concat(DiffusionConditioning other) => new(cat([Context, other.Context], 0), Grid is null ? null : cat([Grid, other.Grid!], 0));

    /// <summary>Rows of zero where <paramref name="kept"/> (<c>[b]</c> of ones and zeros) is zero.</summary>
    public DiffusionConditioning Masked(Tensor kept) => new(Context * kept.view(-1, 1, 1), Grid is null ? null : Grid * kept.view(-1, 1, 1, 1));

    public DiffusionConditioning MoveToOuterDisposeScope() => new(Context.MoveToOuterDisposeScope(), Grid?.MoveToOuterDisposeScope());
}
