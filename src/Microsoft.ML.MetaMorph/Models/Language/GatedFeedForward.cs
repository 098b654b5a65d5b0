using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary><c>down(silu(gate(x)) · up(x))</c> (<c>mlp</c>).</summary>
internal sealed class GatedFeedForward : NamedModule
{
    public GatedFeedForward(LanguageModelConfig config, ParameterSource parameters)
        : base(nameof(GatedFeedForward))
    {
        Initialization normal = Initialization.Normal(config.InitializerRange);
        register_module("gate_proj", Gate = new Linear(parameters["gate_proj"], config.HiddenSize, config.IntermediateSize, config.FeedForwardBias, normal));
        register_module("up_proj", Up = new Linear(parameters["up_proj"], config.HiddenSize, config.IntermediateSize, config.FeedForwardBias, normal));
        register_module("down_proj", Down = new Linear(parameters["down_proj"], config.IntermediateSize, config.HiddenSize, config.FeedForwardBias, normal));
    }

    public Linear Gate { get; }

    public Linear Up { get; }

    public Linear Down { get; }

    /// <summary><c>[…, hidden]</c> → <c>[…, hidden]</c>, in the compute type of the linear layers.</summary>
    public Tensor Forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor narrow = input.to(Gate.ComputeType);   // once for both
        Tensor gate = Gate.Compute(narrow), up = Up.Compute(narrow);
        Tensor inner = is_grad_enabled() ? F.silu(gate).mul(up) : F.silu(gate, inplace: true).mul_(up);
        return Down.Compute(inner).MoveToOuterDisposeScope();
    }
}
