using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Attention of all pixels over all pixels, with one head, in the smallest resolution of a VAE (<c>mid_block.attentions.0</c>).</summary>
internal sealed class AutoencoderAttention : NamedModule
{
    private readonly GroupNorm _norm;
    private readonly Linear _q, _k, _v, _output;

    public AutoencoderAttention(long channels, long groups, double epsilon, ParameterSource parameters)
        : base(nameof(AutoencoderAttention))
    {
        _norm = new GroupNorm(parameters["group_norm"], groups, channels, epsilon);
        _q = new Linear(parameters["to_q"], channels, channels);
        _k = new Linear(parameters["to_k"], channels, channels);
        _v = new Linear(parameters["to_v"], channels, channels);
        _output = new Linear(parameters["to_out"][0], channels, channels);
        register_module("group_norm", _norm);
        register_module("to_q", _q);
        register_module("to_k", _k);
        register_module("to_v", _v);
        register_module("to_out", new ModuleList<Linear>([_output]));
    }

    /// <summary><c>[b, c, h, w]</c> → <c>[b, c, h, w]</c>.</summary>
    public Tensor Forward(Tensor picture)
    {
        using var scope = NewDisposeScope();
        Tensor pixels = _norm.forward(picture).Then(ChannelsLast.Pixels);
        Tensor mixed = Aten.ScaledDotProductAttention(_q.forward(pixels).unsqueeze(1), _k.forward(pixels).unsqueeze(1), _v.forward(pixels).unsqueeze(1)).squeeze(1);
        return ChannelsLast.Picture(_output.forward(mixed), picture.size(2), picture.size(3)).Plus(picture).MoveToOuterDisposeScope();
    }
}
