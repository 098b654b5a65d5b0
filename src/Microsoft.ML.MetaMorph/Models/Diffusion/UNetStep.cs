using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>One step of a UNet's way down, through the middle and up: a residual block with its attention, or a change of resolution.</summary>
/// <param name="Resnet">A residual block.</param>
/// <param name="Attention">Attention after it.</param>
/// <param name="Downsampler">Halves the picture.</param>
/// <param name="Upsampler">Enlarges the picture.</param>
/// <param name="TakesSkip">Whether the picture that was left last on the way down is joined to the input.</param>
/// <param name="LeavesSkip">Whether the result is left for the way up.</param>
/// <remarks>The steps are pure functions of what they are given, so a trainer can recompute one at a time (gradient checkpointing).</remarks>
internal sealed record UNetStep(ResnetBlock2D? Resnet = null, Transformer2DModel? Attention = null, Downsample2D? Downsampler = null, Upsample2D? Upsampler = null, bool TakesSkip = false, bool LeavesSkip = false)
{
    /// <summary>Computes the step.</summary>
    /// <param name="hidden">The picture so far; stays the caller's.</param>
    /// <param name="skip">What was left on the way down, if <see cref="TakesSkip"/>; stays the caller's.</param>
    /// <param name="time">The embedded timestep, activated.</param>
    /// <param name="context">The condition.</param>
    /// <param name="enlarged">Height and width after <see cref="Upsampler"/>: those of the next picture to be joined.</param>
    public Tensor Forward(Tensor hidden, Tensor? skip, Tensor time, Tensor context, (long Height, long Width) enlarged)
    {
        if (Downsampler is not null) return Downsampler.forward(hidden);
        if (Upsampler is not null) return Upsampler.Forward(hidden, enlarged.Height, enlarged.Width);
        using var scope = NewDisposeScope();
        Tensor value = skip is null ? Resnet!.Forward(hidden, time) : cat([hidden, skip], 1).Then(joined => Resnet!.Forward(joined, time));
        if (Attention is not null) value = value.Then(v => Attention.Forward(v, context));
        return value.MoveToOuterDisposeScope();
    }
}
