using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>Learned queries look at visual tokens; the result is added and normalised (<c>cross_attn_layers.N</c>).</summary>
internal sealed class VisualTokenCrossAttention : NamedModule
{
    private const double NormEpsilon = 1e-5;
    private const long Expansion = 4;

    private readonly PackedAttention _attention;
    private readonly LayerNorm _norm;
    private readonly Linear? _inner, _output;
    private readonly LayerNorm? _feedForwardNorm;

    public VisualTokenCrossAttention(VisualTokenAdapterConfig config, ParameterSource parameters)
        : base(nameof(VisualTokenCrossAttention))
    {
        int width = config.OutputWidth;
        _attention = new PackedAttention(width, config.Heads, parameters["cross_attn"]);
        _norm = new LayerNorm(parameters["norm1"], width, NormEpsilon);
        register_module("cross_attn", _attention);
        register_module("norm1", _norm);
        if (config.Mode != VisualTokenAdapterConfig.CrossAttentionFeedForward) return;
        _inner = new Linear(parameters["ffn"][0], width, Expansion * width);
        _output = new Linear(parameters["ffn"][2], Expansion * width, width);
        _feedForwardNorm = new LayerNorm(parameters["norm2"], width, NormEpsilon);
        register_module("ffn", new Layers(_inner, _output));
        register_module("norm2", _feedForwardNorm);
    }

    /// <summary>Queries <c>[1 or b, m, width]</c> over tokens <c>[b, n, width]</c> → <c>[b, m, width]</c>.</summary>
    public Tensor Forward(Tensor queries, Tensor tokens)
    {
        using var scope = NewDisposeScope();
        Tensor attended = _norm.forward(queries + _attention.Forward(queries, tokens));
        if (_inner is null) return attended.MoveToOuterDisposeScope();
        return _feedForwardNorm!.forward(attended + _output!.forward(F.relu(_inner.forward(attended)))).MoveToOuterDisposeScope();
    }

    /// <summary>The published numbering: number 1 is the activation, which has no parameters.</summary>
    private sealed class Layers : NamedModule
    {
        public Layers(Linear inner, Linear output)
            : base(nameof(Layers))
        {
            register_module("0", inner);
            register_module("2", output);
        }
    }
}
