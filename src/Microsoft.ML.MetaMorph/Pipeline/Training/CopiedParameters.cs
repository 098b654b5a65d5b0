using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Copies of another model's parameters in float32: training goes on from it and leaves it as it is.</summary>
internal sealed class CopiedParameters(IReadOnlyDictionary<string, Tensor> source, Device device) : ParameterSource
{
    public override Device Device => device;

    public override bool Has(string name) => source.ContainsKey(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization)
    {
        using var mode = no_grad();
        if (!source.TryGetValue(name, out Tensor? tensor)) throw new InvalidDataException($"The previous model has no parameter '{name}'.");
        if (!tensor.shape.AsSpan().SequenceEqual(shape))
            throw new InvalidDataException($"The previous model's '{name}' has the shape [{string.Join(", ", tensor.shape)}]; [{string.Join(", ", shape)}] is needed.");
        using Tensor plain = tensor.detach();
        return new Parameter(plain.to(ScalarType.Float32, device, copy: true).DetachFromDisposeScope(), requires_grad: true);
    }
}
