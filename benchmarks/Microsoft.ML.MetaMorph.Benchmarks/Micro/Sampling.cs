using BenchmarkDotNet.Attributes;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>The choice of one token among 128,256.</summary>
[MemoryDiagnoser]
public class Sampling
{
    private const int Vocabulary = 128_256;

    private readonly float[] _source = new float[Vocabulary], _logits = new float[Vocabulary];
    private readonly int[] _history = [.. Enumerable.Range(0, 500)];
    private TokenSampler _greedy = null!, _nucleus = null!;

    [GlobalSetup]
    public void Setup()
    {
        var random = new Random(1);
        for (int i = 0; i < Vocabulary; i++) _source[i] = random.NextSingle() * 10;
        _greedy = new TokenSampler(new GenerationOptions(), seed: 1);
        _nucleus = new TokenSampler(new GenerationOptions { Temperature = 0.7f, TopK = 50, TopP = 0.9f, RepetitionPenalty = 1.1f }, seed: 1);
    }

    [Benchmark]
    public int Greedy() => Next(_greedy);

    [Benchmark]
    public int TopKTopP() => Next(_nucleus);

    // The processors change the logits: each call starts from a copy.
    private int Next(TokenSampler sampler)
    {
        _source.CopyTo(_logits, 0);
        return sampler.Next(_logits, _history);
    }
}
