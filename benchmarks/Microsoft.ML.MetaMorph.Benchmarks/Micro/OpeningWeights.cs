using BenchmarkDotNet.Attributes;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A safetensors file of 300 tensors: its header, and all of its tensors without a copy.</summary>
[MemoryDiagnoser]
public class OpeningWeights
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"metamorph-{Guid.NewGuid():N}.safetensors");

    [GlobalSetup]
    public void Setup()
    {
        using var scope = NewDisposeScope();
        SafeTensorsWriter.Write(_path, Enumerable.Range(0, 300).Select(i => KeyValuePair.Create($"model.layers.{i}.weight", zeros(64, 256))));
    }

    [GlobalCleanup]
    public void Cleanup() => File.Delete(_path);

    [Benchmark]
    public int Open()
    {
        using TensorArchive archive = TensorArchive.Open(_path);
        return archive.Tensors.Count;
    }

    [Benchmark]
    public long ReadAll()
    {
        using TensorArchive archive = TensorArchive.Open(_path);
        long elements = 0;
        foreach (string name in archive.Tensors.Keys)
        {
            using Tensor tensor = archive.Read(name);
            elements += tensor.numel();
        }
        return elements;
    }
}
