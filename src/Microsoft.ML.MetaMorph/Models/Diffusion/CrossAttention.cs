using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Attention of pixels over pixels, or over a condition, under diffusers' names (<c>attn1</c>, <c>attn2</c>).</summary>
internal sealed class CrossAttention : NamedModule
{
    private readonly Linear _q, _k, _v, _output;
    private readonly long _heads;

    /// <param name="width">The width of a pixel; a multiple of <paramref name="heads"/>.</param>
    /// <param name="contextWidth">The width of what is looked at.</param>
    /// <param name="heads">The number of heads.</param>
    /// <param name="bias">Whether queries, keys and values have a bias; the output always has one.</param>
    /// <param name="parameters">Where the parameters come from.</param>
    public CrossAttention(long width, long contextWidth, long heads, bool bias, ParameterSource parameters)
        : base(nameof(CrossAttention))
    {
        _heads = heads;
        _q = new Linear(parameters["to_q"], width, width, bias);
        _k = new Linear(parameters["to_k"], contextWidth, width, bias);
        _v = new Linear(parameters["to_v"], contextWidth, width, bias);
        _output = new Linear(parameters["to_out"][0], width, width);
        register_module("to_q", _q);
        register_module("to_k", _k);
        register_module("to_v", _v);
        register_module("to_out", new ModuleList<Linear>([_output]));
    }

    /// <summary><c>[b, n, width]</c> → <c>[b, n, width]</c>.</summary>
    /// <param name="hidden">What looks.</param>
    /// <param name="context">What is looked at, <c>[b, m, contextWidth]</c>; null means <paramref name="hidden"/> itself.</param>
    public Tensor Forward(Tensor hidden, Tensor? context = null)
    {
        using var scope = NewDisposeScope();
        Tensor source = context ?? hidden;
        Tensor q = Heads(_q.forward(hidden)), k = Heads(_k.forward(source)), v = Heads(_v.forward(source));
        Tensor mixed = Aten.ScaledDotProductAttention(q, k, v);
        foreach (Tensor used in (Tensor[])[q, k, v]) used.Dispose();
        return mixed.Then(m => m.transpose(1, 2).reshape(hidden.shape)).Then(_output.forward).MoveToOuterDisposeScope();
    }

    private Tensor Heads(Tensor owned)
    {
        using var scope = NewDisposeScope();
        Tensor heads = owned.view(owned.size(0), owned.size(1), _heads, -1).transpose(1, 2).MoveToOuterDisposeScope();
        owned.Dispose();
        return heads;
    }
}
