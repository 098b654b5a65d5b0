using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Unit noise for the rows of a batch. Each row has a generator of its own on the CPU, so that a seed draws the same picture alone, in any
/// batch and on every device, and the same as PyTorch with a CPU generator of that seed.
/// </summary>
internal sealed class RowNoise : IDisposable
{
    private readonly Generator[] _generators;
    private readonly long[] _shape;
    private readonly Device _device;

    /// <param name="seeds">One for each row.</param>
    /// <param name="shape">Of a row, without the batch.</param>
    /// <param name="device">Where the noise is wanted.</param>
    public RowNoise(IReadOnlyList<long> seeds, long[] shape, Device device)
    {
        _generators = [.. seeds.Select(seed => new Generator((ulong)seed))];
        _shape = shape;
        _device = device;
    }

    /// <summary>Fresh noise <c>[rows, …]</c>.</summary>
    public Tensor Next()
    {
        using var scope = NewDisposeScope();
        Tensor rows = stack(_generators.Select(generator => randn(_shape, dtype: ScalarType.Float32, device: CPU, generator: generator)).ToArray(), 0);
        return rows.to(_device).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (Generator generator in _generators) generator.Dispose();
    }
}
