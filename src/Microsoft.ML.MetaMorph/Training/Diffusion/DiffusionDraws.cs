using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What is random in a step of training, drawn on the CPU: the same for a seed and a step on every device and after a resumption.</summary>
/// <param name="Noise"><c>[b, channels, h, w]</c>.</param>
/// <param name="Timesteps">One for each row, all equally likely.</param>
/// <param name="Kept"><c>[b]</c>: 0 where the conditioning is dropped, 1 elsewhere.</param>
internal sealed record DiffusionDraws(Tensor Noise, int[] Timesteps, Tensor Kept)
{
    /// <summary>For the latents that an autoencoder decodes while it learns too, <c>[b, channels, h, w]</c>; null where it does not.</summary>
    public Tensor? LatentNoise { get; init; }

    /// <summary>For which rows activations are dropped, where the network does that while it learns; null: none are.</summary>
    public DropoutDraws? Dropout { get; init; }

    /// <summary>Draws.</summary>
    /// <param name="seed">Of the training.</param>
    /// <param name="step">The number of the step.</param>
    /// <param name="shape">Of the samples, <c>[b, channels, h, w]</c>.</param>
    /// <param name="timesteps">T: they are drawn from 0 … T − 1.</param>
    /// <param name="noiseOffset">Weight of noise that is the same all over a channel.</param>
    /// <param name="dropout">The probability of a zero in <see cref="Kept"/>.</param>
    public static DiffusionDraws Create(int seed, long step, long[] shape, int timesteps, double noiseOffset, double dropout)
    {
        using var scope = NewDisposeScope();
        using Generator generator = GeneratorOf(seed, step);
        long rows = shape[0];
        Tensor noise = randn(shape, dtype: ScalarType.Float32, device: CPU, generator: generator);
        if (noiseOffset > 0) noise = noise.add(randn([rows, shape[1], 1, 1], dtype: ScalarType.Float32, device: CPU, generator: generator), (float)noiseOffset);
        float[] times = rand([rows], dtype: ScalarType.Float32, device: CPU, generator: generator).data<float>().ToArray();
        Tensor kept = rand([rows], dtype: ScalarType.Float32, device: CPU, generator: generator).ge((float)dropout).to(ScalarType.Float32);
        return new DiffusionDraws(noise.MoveToOuterDisposeScope(), [.. times.Select(t => Math.Min((int)(t * timesteps), timesteps - 1))], kept.MoveToOuterDisposeScope()) { Dropout = new DropoutDraws(seed, step) };
    }

    /// <summary>The numbers of one step of one training, on the CPU; the caller disposes it.</summary>
    public static Generator GeneratorOf(int seed, long step) => new(MixedSeed.Of((uint)seed, (ulong)step));

    /// <summary>Those of some rows, as views.</summary>
    public DiffusionDraws Slice(int begin, int count) => new(Noise.narrow(0, begin, count), Timesteps[begin..(begin + count)], Kept.narrow(0, begin, count))
    {
        LatentNoise = LatentNoise?.narrow(0, begin, count),
        Dropout = Dropout is null ? null : Dropout with { FirstRow = Dropout.FirstRow + begin },
    };
}
