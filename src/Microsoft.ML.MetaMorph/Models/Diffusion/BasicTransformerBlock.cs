using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Self-attention of pixels, attention over the condition, feed-forward, each normalised before and added (<c>transformer_blocks.N</c>).</summary>
internal sealed class BasicTransformerBlock : NamedModule
{
    private const double NormEpsilon = 1e-5;

    private readonly LayerNorm[] _norms = new LayerNorm[3];
    private readonly CrossAttention _self, _cross;
    private readonly GatedGeluFeedForward _feedForward;
    private readonly bool _onlyCrossAttention;

    public BasicTransformerBlock(long width, long heads, long contextWidth, bool onlyCrossAttention, ParameterSource parameters)
        : base(nameof(BasicTransformerBlock))
    {
        _onlyCrossAttention = onlyCrossAttention;
        for (int i = 0; i < _norms.Length; i++)
        {
            string name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"norm{i + 1}");
            _norms[i] = new LayerNorm(parameters[name], width, NormEpsilon);
            register_module(name, _norms[i]);
        }
        _self = new CrossAttention(width, onlyCrossAttention ? contextWidth : width, heads, bias: false, parameters["attn1"]);
        _cross = new CrossAttention(width, contextWidth, heads, bias: false, parameters["attn2"]);
        _feedForward = new GatedGeluFeedForward(width, parameters["ff"]);
        register_module("attn1", _self);
        register_module("attn2", _cross);
        register_module("ff", _feedForward);
    }

    /// <summary>Pixels <c>[b, n, width]</c> → <c>[b, n, width]</c>; the argument is the block's to change and to dispose.</summary>
    /// <param name="owned">The pixels.</param>
    /// <param name="context">The condition, <c>[b, m, contextWidth]</c>.</param>
    public Tensor Forward(Tensor owned, Tensor context) => owned
        .Then(h => Add(h, 0, n => _self.Forward(n, _onlyCrossAttention ? context : null)))
        .Then(h => Add(h, 1, n => _cross.Forward(n, context)))
        .Then(h => Add(h, 2, _feedForward.Forward));

    private Tensor Add(Tensor owned, int norm, Func<Tensor, Tensor> branch)
    {
        using Tensor change = _norms[norm].forward(owned).Then(branch);
        return owned.Plus(change);
    }
}
