using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What is random in a step of training, drawn on the CPU: the same for a seed and a step on every device and after a resumption.</summary>
/// <param name="Noise"><c>[b, channels, h, w]</c>.</param>
/// <param name="Timesteps">One for each row, all equally likely.</param>
/// <param name="Kept"><c>[b]</c>: 0 where the conditioning is dropped, 1 elsewhere.</param>
internal sealed record DiffusionDraws(Tensor Noise, int[] Timesteps, Tensor Kept)
{
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
        return new DiffusionDraws(noise.MoveToOuterDisposeScope(), [.. times.Select(t => Math.Min((int)(t * timesteps), timesteps - 1))], kept.MoveToOuterDisposeScope());
    }

    /// <summary>The numbers of one step of one training, on the CPU; the caller disposes it.</summary>
    public static Generator GeneratorOf(int seed, long step) => new(Mixed((uint)seed, (ulong)step));

    /// <summary>Those of some rows, as views.</summary>
    public DiffusionDraws Slice(int begin, int count) => new(Noise.narrow(0, begin, count), Timesteps[begin..(begin + count)], Kept.narrow(0, begin, count));

    // torch takes 32 bits of a seed: both numbers must reach them (SplitMix64).
    private static ulong Mixed(ulong seed, ulong step)
    {
        ulong z = seed * 0x9E3779B97F4A7C15 + step * 0xD1B54A32D192ED03 + 0x632BE59BD9B4E019;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (z ^ (z >> 31)) & uint.MaxValue;
    }
}
