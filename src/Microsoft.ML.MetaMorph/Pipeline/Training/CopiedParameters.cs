using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Copies of another model's parameters in float32: training goes on from it and leaves it as it is.</summary>
/// <param name="source">The parameters, by their names.</param>
/// <param name="device">Where the new model computes.</param>
internal sealed class CopiedParameters(IReadOnlyDictionary<string, Tensor> source, Device device) : ModelParameters("The previous model", source, device)
{
    protected override Parameter Make(Tensor tensor) => new(tensor.to(ScalarType.Float32, Device, copy: true).DetachFromDisposeScope(), requires_grad: true);
}
