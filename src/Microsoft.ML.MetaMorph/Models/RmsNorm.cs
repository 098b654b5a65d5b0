using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Root-mean-square normalisation over the last dimension, computed in float32.</summary>
internal sealed class RmsNorm : NamedLayer
{
    public RmsNorm(ParameterSource parameters, long width, double epsilon)
        : base(nameof(RmsNorm))
    {
        Epsilon = epsilon;
        Weight = parameters.Get("weight", [width], Initialization.Ones);
        register_parameter("weight", Weight);
    }

    public Parameter Weight { get; }

    public double Epsilon { get; }

    public override Tensor forward(Tensor input)
    {
        if (Weight.dtype == input.dtype) return Aten.RmsNorm(input, Weight, Epsilon);
        using var scope = NewDisposeScope();
        return Aten.RmsNorm(input, Weight.to(input.dtype), Epsilon).MoveToOuterDisposeScope();
    }
}
