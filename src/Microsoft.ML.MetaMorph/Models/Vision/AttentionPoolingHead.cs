using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Multi-head attention pooling (<c>head</c>): one learned query, the probe, attends to all positions.</summary>
internal sealed class AttentionPoolingHead : NamedModule
{
    private readonly Parameter _probe;
    private readonly PackedAttention _attention;
    private readonly LayerNorm _norm;
    private readonly SiglipMlp _mlp;

    public AttentionPoolingHead(SiglipEncoderConfig config, ParameterSource parameters)
        : base(nameof(AttentionPoolingHead))
    {
        _probe = parameters.Get("probe", [1, 1, config.HiddenSize], SiglipAttention.XavierUniform(config.HiddenSize, config.HiddenSize));
        register_parameter("probe", _probe);
        _attention = new PackedAttention(config.HiddenSize, config.AttentionHeads, parameters["attention"]);
        _norm = new LayerNorm(parameters["layernorm"], config.HiddenSize, config.LayerNormEpsilon);
        _mlp = new SiglipMlp(config, parameters["mlp"]);
        register_module("attention", _attention);
        register_module("layernorm", _norm);
        register_module("mlp", _mlp);
    }

    /// <summary><c>[b, t, d]</c> → <c>[b, d]</c>.</summary>
    /// <param name="hidden">The last hidden state, normalised.</param>
    /// <param name="mask">Null, or true where a position may be attended to, broadcast to <c>[b, heads, 1, t]</c>.</param>
    public Tensor Forward(Tensor hidden, Tensor? mask = null)
    {
        using var scope = NewDisposeScope();
        Tensor pooled = _attention.Forward(_probe.to(ScalarType.Float32), hidden, mask);
        return (pooled + _mlp.forward(_norm.forward(pooled))).squeeze(1).MoveToOuterDisposeScope();
    }
}
