using BenchmarkDotNet.Attributes;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A thousand rows into sequences of 4,096 positions.</summary>
[MemoryDiagnoser]
public class Packing
{
    private readonly List<TokenSequence> _rows = [];

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (int i = 0; i < 1000; i++)
        {
            int[] ids = [.. Enumerable.Range(0, random.Next(20, 200)).Select(_ => random.Next(1000))];
            if (i % 2 == 0) ids[ids.Length / 2] = TokenSequence.ImagePlaceholder;
            _rows.Add(new TokenSequence(ids, ids));
        }
    }

    [Benchmark]
    public int Pack() => new SequencePacker(4096, 64, imageStartId: 1).Pack(_rows, seed: 1).Count();
}
