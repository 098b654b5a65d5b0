using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The tensors of a reference case as parameters, read by the tests' own reader; remembers which were asked for.</summary>
internal sealed class CaseParameters(IReadOnlyDictionary<string, Tensor> tensors, bool trainable = false) : ParameterSource
{
    private readonly HashSet<string> _taken = [];

    public override Device Device => CPU;

    /// <summary>Names in the file that no module asked for.</summary>
    public IEnumerable<string> Unused => tensors.Keys.Except(_taken);

    public override bool Has(string name) => tensors.ContainsKey(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization)
    {
        if (!tensors.TryGetValue(name, out Tensor? tensor)) throw new InvalidDataException($"no tensor '{name}'");
        CollectionAssert.AreEqual(tensor.shape, shape, $"shape of {name}");
        _taken.Add(name);
        return new Parameter(tensor.clone().DetachFromDisposeScope(), trainable);
    }
}
