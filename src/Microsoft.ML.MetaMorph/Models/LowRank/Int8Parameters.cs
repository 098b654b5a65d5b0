using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Another source's parameters, of which some matrices are rounded to eight bits as they are asked for (<see cref="Int8Weight"/>).</summary>
/// <param name="inner">Where they come from.</param>
/// <param name="isRounded">Whether the matrix of a linear layer is rounded, by the layer's name.</param>
internal sealed class Int8Parameters(ParameterSource inner, Func<string, bool> isRounded) : ParameterSource
{
    private const string Weight = ".weight", Scale = "." + Int8Weight.ScaleName;

    private readonly Dictionary<string, Tensor> _scales = new(StringComparer.Ordinal);

    public override Device Device => inner.Device;

    public override string Prefix => inner.Prefix;

    public override bool Has(string name) => inner.Has(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization)
    {
        // A layer asks for its scales right after its weight.
        if (_scales.Remove(name, out Tensor? scales)) return new Parameter(scales, requires_grad: false);
        if (shape.Length != 2 || !name.EndsWith(Weight, StringComparison.Ordinal) || !isRounded(name[..^Weight.Length])) return inner.Get(name, shape, initialization);
        Parameter stored = inner.Get(name, shape, initialization);
        if (stored.dtype == ScalarType.Int8) return stored;     // its scales are stored too
        (Tensor weight, Tensor made) = Int8Weight.Quantize(stored);
        _scales[name[..^Weight.Length] + Scale] = made.DetachFromDisposeScope();
        BorrowedTensor.LetPagesGo(stored);
        stored.Dispose();
        return new Parameter(weight.DetachFromDisposeScope(), requires_grad: false);
    }
}
