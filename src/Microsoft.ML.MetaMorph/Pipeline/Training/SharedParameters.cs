using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Another model's parameters in the same memory, for a model that does not change them; copies only where it lies on another device.</summary>
/// <param name="source">The parameters, by their names; whoever holds them keeps what they lie in.</param>
/// <param name="device">Where the model computes.</param>
internal sealed class SharedParameters(IReadOnlyDictionary<string, Tensor> source, Device device) : ModelParameters("The model", source, device)
{
    protected override Parameter Make(Tensor tensor) => new(tensor.to(Device).alias().DetachFromDisposeScope(), requires_grad: false);
}
