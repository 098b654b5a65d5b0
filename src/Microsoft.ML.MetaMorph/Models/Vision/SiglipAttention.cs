using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Multi-head self-attention with separate q, k, v and output projections, all with bias.</summary>
internal sealed class SiglipAttention : NamedModule
{
    private readonly Linear _k, _v, _q, _output;
    private readonly long _heads;

    public SiglipAttention(SiglipEncoderConfig config, ParameterSource parameters)
        : base(nameof(SiglipAttention))
    {
        _heads = config.AttentionHeads;
        _k = Projection("k_proj");
        _v = Projection("v_proj");
        _q = Projection("q_proj");
        _output = Projection("out_proj");

        Linear Projection(string name)
        {
            long width = config.HiddenSize;
            var layer = new Linear(parameters[name], width, width, initialization: XavierUniform(width, width));
            register_module(name, layer);
            return layer;
        }
    }

    /// <summary>Uniform with the variance 2 / (in + out), as SigLIP's layers start.</summary>
    public static Initialization XavierUniform(long inputWidth, long outputWidth) => Initialization.Uniform(Math.Sqrt(6.0 / (inputWidth + outputWidth)));

    /// <summary><c>[b, t, d]</c> → <c>[b, t, d]</c>.</summary>
    /// <param name="hidden">The normalised input.</param>
    /// <param name="mask">Null, or true where a key may be attended to, broadcast to <c>[b, heads, t, t]</c>.</param>
    /// <param name="causal">Each position sees itself and those before it.</param>
    public Tensor Forward(Tensor hidden, Tensor? mask = null, bool causal = false)
    {
        using var scope = NewDisposeScope();
        long batch = hidden.size(0), length = hidden.size(1), width = hidden.size(2);
        (Tensor q, Tensor k, Tensor v) = is_grad_enabled() ? Joined(hidden, batch, length) : Separate(hidden, batch, length);
        Tensor mixed = Aten.ScaledDotProductAttention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), mask, causal);
        return _output.forward(mixed.transpose(1, 2).reshape(batch, length, width)).MoveToOuterDisposeScope();
    }

    // Taking the three apart with unbind makes its derivative one stack; three selects would each fill a whole zeroed tensor.
    private (Tensor Q, Tensor K, Tensor V) Joined(Tensor hidden, long batch, long length)
    {
        Tensor[] parts = Linear.Joined(hidden, [_q, _k, _v]).view(batch, length, 3, _heads, -1).unbind(2);
        return (parts[0], parts[1], parts[2]);
    }

    private (Tensor Q, Tensor K, Tensor V) Separate(Tensor hidden, long batch, long length)
        => (_q.forward(hidden).view(batch, length, _heads, -1), _k.forward(hidden).view(batch, length, _heads, -1), _v.forward(hidden).view(batch, length, _heads, -1));
}
