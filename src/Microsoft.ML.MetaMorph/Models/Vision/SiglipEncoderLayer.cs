using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>One pre-norm block: attention and feed-forward, each added to the residual stream.</summary>
internal sealed class SiglipEncoderLayer : NamedModule
{
    private readonly LayerNorm _norm1, _norm2;
    private readonly SiglipAttention _attention;
    private readonly SiglipMlp _mlp;

    public SiglipEncoderLayer(SiglipEncoderConfig config, ParameterSource parameters)
        : base(nameof(SiglipEncoderLayer))
    {
        _norm1 = new LayerNorm(parameters["layer_norm1"], config.HiddenSize, config.LayerNormEpsilon);
        _attention = new SiglipAttention(config, parameters["self_attn"]);
        _norm2 = new LayerNorm(parameters["layer_norm2"], config.HiddenSize, config.LayerNormEpsilon);
        _mlp = new SiglipMlp(config, parameters["mlp"]);
        register_module("layer_norm1", _norm1);
        register_module("self_attn", _attention);
        register_module("layer_norm2", _norm2);
        register_module("mlp", _mlp);
    }

    /// <summary><c>[b, t, d]</c> → <c>[b, t, d]</c>, a new tensor.</summary>
    public Tensor Forward(Tensor hidden, Tensor? mask = null, bool causal = false)
    {
        using var scope = NewDisposeScope();
        Tensor attended = hidden + _attention.Forward(_norm1.forward(hidden), mask, causal);
        return (attended + _mlp.forward(_norm2.forward(attended))).MoveToOuterDisposeScope();
    }

    /// <summary>The same for inference: the residual stream is overwritten, and no memory outlives the call.</summary>
    public void ForwardInPlace(Tensor hidden, Tensor? mask = null, bool causal = false)
    {
        using var scope = NewDisposeScope();
        hidden.add_(_attention.Forward(_norm1.forward(hidden), mask, causal));
        hidden.add_(_mlp.forward(_norm2.forward(hidden)));
    }
}
