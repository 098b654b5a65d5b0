using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The feed-forward part of a block: Linear, activation, Linear.</summary>
internal sealed class SiglipMlp : NamedLayer
{
    private readonly HiddenActivation _activation;
    private readonly Linear _first, _second;

    public SiglipMlp(SiglipEncoderConfig config, ParameterSource parameters)
        : base(nameof(SiglipMlp))
    {
        long width = config.HiddenSize, inner = config.IntermediateSize;
        Initialization initialization = SiglipAttention.XavierUniform(width, inner);
        _activation = HiddenActivation.Named(config.Activation);
        _first = new Linear(parameters["fc1"], width, inner, initialization: initialization);
        _second = new Linear(parameters["fc2"], inner, width, initialization: initialization);
        register_module("fc1", _first);
        register_module("fc2", _second);
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        return _second.forward(_activation.Apply(_first.forward(input))).MoveToOuterDisposeScope();
    }
}
