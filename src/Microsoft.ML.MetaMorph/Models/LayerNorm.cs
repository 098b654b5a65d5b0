using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>Layer normalisation over the last dimension, computed in float32.</summary>
internal sealed class LayerNorm : NamedLayer
{
    private readonly double _epsilon;

    public LayerNorm(ParameterSource parameters, long width, double epsilon)
        : base(nameof(LayerNorm))
    {
        _epsilon = epsilon;
        Weight = parameters.Get("weight", [width], Initialization.Ones);
        Bias = parameters.Get("bias", [width], Initialization.Zeros);
        register_parameter("weight", Weight);
        register_parameter("bias", Bias);
    }

    public Parameter Weight { get; }

    public Parameter Bias { get; }

    public override Tensor forward(Tensor input)
    {
        // On the CPU libtorch takes narrow values with float32 parameters.
        bool isMixed = Weight.dtype == ScalarType.Float32 && input.dtype == ScalarType.BFloat16 && input.device_type == TorchSharp.DeviceType.CPU;
        if (isMixed || Weight.dtype == input.dtype) return F.layer_norm(input, Weight.shape, Weight, Bias, _epsilon);
        using var scope = NewDisposeScope();
        return F.layer_norm(input, Weight.shape, Weight.to(input.dtype), Bias.to(input.dtype), _epsilon).MoveToOuterDisposeScope();
    }
}
