using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Drops activations of a network while it learns: each with the same probability, the others made larger by as much, so that the mean stays.
/// While nothing is drawn for (<see cref="Drawn"/> is null), it changes nothing.
/// </summary>
/// <remarks>
/// What is dropped follows from the seed, the step, the row and the place in the network. So a network that is computed once more on the way back
/// drops the same, and so does a step that is taken in smaller parts, goes on after an interruption, or runs on another device.
/// </remarks>
/// <param name="probability">From 0 to below 1.</param>
internal sealed class ActivationDropout(double probability)
{
    private ulong _places;

    /// <summary>For which rows of which step is drawn; null outside of training.</summary>
    public DropoutDraws? Drawn { get; set; }

    /// <summary>A number for one more place in the network at which activations are dropped.</summary>
    public ulong NewPlace() => _places++;

    /// <summary>The activations <c>[b, …]</c> with some set to zero; the argument itself where nothing is drawn for.</summary>
    public Tensor Apply(Tensor hidden, ulong place)
    {
        if (Drawn is not { } drawn || probability == 0) return hidden;
        using var scope = NewDisposeScope();
        long[] shape = hidden.shape[1..];
        Tensor kept = stack(Enumerable.Range(0, (int)hidden.shape[0]).Select(row => Kept(drawn, (ulong)(drawn.FirstRow + row), place, shape)).ToArray(), 0);
        return (hidden * (kept.to(hidden.device) / (float)(1 - probability)).to(hidden.dtype)).MoveToOuterDisposeScope();
    }

    private Tensor Kept(DropoutDraws drawn, ulong row, ulong place, long[] shape)
    {
        ulong step = MixedSeed.Of((uint)drawn.Seed, (ulong)drawn.Step);
        using var generator = new Generator(MixedSeed.Of(MixedSeed.Of(step, place), row), CPU);
        using Tensor numbers = rand(shape, dtype: ScalarType.Float32, device: CPU, generator: generator);
        return numbers.ge((float)probability).to(ScalarType.Float32);
    }
}

/// <summary>For which rows of which step of training activations are dropped.</summary>
/// <param name="Seed">Of the training.</param>
/// <param name="Step">The number of the step.</param>
/// <param name="FirstRow">The number of the first of the rows in the step.</param>
internal sealed record DropoutDraws(int Seed, long Step, long FirstRow = 0);
