using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A model's parameters read by the tests' own plain reader, so that a fault of the product's reader shows elsewhere.</summary>
internal sealed class PlainParameters : ParameterSource
{
    private readonly Dictionary<string, Tensor> _tensors;

    public PlainParameters(string path) => _tensors = PlainSafeTensors.Read(path);

    public override Device Device => CPU;

    public IReadOnlyCollection<string> Names => _tensors.Keys;

    public override bool Has(string name) => _tensors.ContainsKey(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization)
    {
        Assert.IsTrue(_tensors.TryGetValue(name, out Tensor? tensor), $"the file lacks {name}");
        CollectionAssert.AreEqual(shape, tensor.shape, $"shape of {name}");
        return new Parameter(tensor.clone().DetachFromDisposeScope(), requires_grad: true);
    }
}
