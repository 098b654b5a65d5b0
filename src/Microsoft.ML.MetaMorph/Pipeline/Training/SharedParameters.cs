using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Another model's parameters in the same memory, for a model that does not change them; copies only where it lies on another device.</summary>
/// <param name="source">The parameters, by their names; whoever holds them keeps what they lie in.</param>
/// <param name="device">Where the model computes.</param>
internal sealed class SharedParameters(IReadOnlyDictionary<string, Tensor> source, Device device) : ParameterSource
{
    public override Device Device => device;

    public override bool Has(string name) => source.ContainsKey(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        if (!source.TryGetValue(name, out Tensor? tensor)) throw new InvalidDataException($"The model has no parameter '{name}'.");
        if (!tensor.shape.AsSpan().SequenceEqual(shape)) throw new InvalidDataException($"The model's '{name}' has the shape [{string.Join(", ", tensor.shape)}]; [{string.Join(", ", shape)}] is needed.");
        return new Parameter(tensor.detach().to(device).alias().DetachFromDisposeScope(), requires_grad: false);
    }
}
