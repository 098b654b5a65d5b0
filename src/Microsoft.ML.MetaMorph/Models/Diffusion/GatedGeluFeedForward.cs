using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>A feed-forward layer whose inner values are gated by the GELU of others (GEGLU, arXiv 2002.05202), four times as wide inside (<c>ff</c>).</summary>
internal sealed class GatedGeluFeedForward : NamedModule
{
    private const long Expansion = 4;

    private readonly Linear _inner, _output;

    public GatedGeluFeedForward(long width, ParameterSource parameters)
        : base(nameof(GatedGeluFeedForward))
    {
        ParameterSource layers = parameters["net"];
        _inner = new Linear(layers[0]["proj"], width, 2 * Expansion * width);
        _output = new Linear(layers[2], Expansion * width, width);
        register_module("net", new Layers(_inner, _output));
    }

    /// <summary><c>[b, n, width]</c> → <c>[b, n, width]</c>.</summary>
    public Tensor Forward(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        // Two products with the halves of the weight, so that both results lie whole in memory and can be changed in place.
        Tensor values = Half(hidden, 0), gates = Half(hidden, 1).Then(g => is_grad_enabled() ? F.gelu(g) : g.gelu_());
        Tensor gated = values.Then(v => v.Times(gates));
        gates.Dispose();
        return gated.Then(_output.forward).MoveToOuterDisposeScope();
    }

    private Tensor Half(Tensor hidden, int which)
    {
        using var scope = NewDisposeScope();
        long width = _output.InputWidth;
        return Linear.Product(hidden, _inner.ProductWeight.In(_inner.ComputeType).narrow(0, which * width, width), _inner.Bias!.narrow(0, which * width, width), _inner.ComputeType).MoveToOuterDisposeScope();
    }

    /// <summary>The published numbering: number 1 is a dropout, which has no parameters.</summary>
    private sealed class Layers : NamedModule
    {
        public Layers(Linear inner, Linear output)
            : base(nameof(Layers))
        {
            register_module("0", new Gate(inner));
            register_module("2", output);
        }
    }

    private sealed class Gate : NamedModule
    {
        public Gate(Linear projection)
            : base(nameof(Gate)) => register_module("proj", projection);
    }
}
