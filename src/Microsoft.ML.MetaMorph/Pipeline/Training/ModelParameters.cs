using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Parameters made of another model's, by their names.</summary>
/// <param name="whose">The other model, in messages.</param>
/// <param name="source">Its parameters.</param>
/// <param name="device">Where the new model computes.</param>
internal abstract class ModelParameters(string whose, IReadOnlyDictionary<string, Tensor> source, Device device) : ParameterSource
{
    public override Device Device => device;

    public override bool Has(string name) => source.ContainsKey(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        if (!source.TryGetValue(name, out Tensor? tensor)) throw new InvalidDataException($"{whose} has no parameter '{name}'.");
        if (!tensor.shape.AsSpan().SequenceEqual(shape)) throw new InvalidDataException($"{whose}'s '{name}' has the shape [{string.Join(", ", tensor.shape)}]; [{string.Join(", ", shape)}] is needed.");
        return Make(tensor.detach());
    }

    /// <summary>The new parameter, detached from the dispose scope.</summary>
    /// <param name="tensor">The other model's.</param>
    protected abstract Parameter Make(Tensor tensor);
}
