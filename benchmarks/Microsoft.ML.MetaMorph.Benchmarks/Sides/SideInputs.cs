using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>The folder of a task, opened.</summary>
internal sealed class SideInputs : IDisposable
{
    private readonly TensorArchive _weights;
    private readonly TensorArchive _inputs;

    public SideInputs(string folder)
    {
        Config = ResponseModelFolder.ReadConfig(folder, json => json.Clone());
        _weights = TensorArchive.Open(folder);
        _inputs = TensorArchive.Open(Path.Combine(folder, ModelFolder.Inputs));
    }

    public JsonElement Config { get; }

    /// <summary>The weights as they are stored or, with <see cref="Precision.Float32"/>, widened.</summary>
    public StoredParameters Weights(Precision precision) => new(_weights, CPU, precision == Precision.Float32 ? ScalarType.Float32 : null);

    public Tensor Input(string name) => _inputs.Read(name);

    /// <summary>An input of whole numbers.</summary>
    public int[] Numbers(string name)
    {
        using Tensor values = Input(name);
        return Array.ConvertAll(TensorMemory.Span<long>(values).ToArray(), value => checked((int)value));
    }

    public void Dispose()
    {
        _inputs.Dispose();
        _weights.Dispose();
    }
}
