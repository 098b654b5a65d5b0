using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>An activation function under its published name (<c>hidden_act</c>).</summary>
/// <remarks>Without gradients the argument is overwritten: pass only what nobody else reads. GELU is bound by memory otherwise.</remarks>
internal sealed class HiddenActivation
{
    private static readonly Dictionary<string, HiddenActivation> Known = Build();

    private readonly Func<Tensor, Tensor> _forward;
    private readonly Func<Tensor, Tensor> _inPlace;

    private HiddenActivation(Func<Tensor, Tensor> forward, Func<Tensor, Tensor>? inPlace = null)
    {
        _forward = forward;
        _inPlace = inPlace ?? forward;
    }

    /// <summary>The function named <paramref name="name"/>, by transformers' names.</summary>
    /// <exception cref="NotSupportedException">There is none of that name.</exception>
    public static HiddenActivation Named(string name) => Known.TryGetValue(name, out HiddenActivation? activation)
        ? activation
        : throw new NotSupportedException($"The activation function \"{name}\" (hidden_act) is not supported. Supported: {string.Join(", ", Names)}.");

    /// <summary>Whether there is a function of that name.</summary>
    public static bool IsKnown(string name) => Known.ContainsKey(name);

    /// <summary>All names.</summary>
    public static IEnumerable<string> Names => Known.Keys.Order();

    public Tensor Apply(Tensor owned) => is_grad_enabled() ? _forward(owned) : _inPlace(owned);

    private static Dictionary<string, HiddenActivation> Build()
    {
        var exact = new HiddenActivation(x => F.gelu(x), x => x.gelu_());
        var tanh = new HiddenActivation(x => F.gelu(x, GELU.Approximate.tanh), x => x.gelu_(GELU.Approximate.tanh));
        var silu = new HiddenActivation(x => F.silu(x), x => x.silu_());
        return new()
        {
            ["gelu"] = exact,
            ["gelu_python"] = exact,
            ["gelu_pytorch_tanh"] = tanh,
            ["gelu_python_tanh"] = tanh,
            ["gelu_new"] = tanh,
            ["gelu_fast"] = tanh,
            ["gelu_accurate"] = tanh,
            ["quick_gelu"] = new(QuickGelu),
            ["silu"] = silu,
            ["swish"] = silu,
            ["mish"] = new(x => F.mish(x)),
            ["relu"] = new(x => F.relu(x), x => x.relu_()),
            ["relu2"] = new(SquaredRelu),
            ["sigmoid"] = new(x => x.sigmoid(), x => x.sigmoid_()),
            ["tanh"] = new(x => x.tanh(), x => x.tanh_()),
            ["linear"] = new(x => x.alias()),
        };
    }

    private static Tensor QuickGelu(Tensor x)
    {
        using var scope = NewDisposeScope();
        return (x * (x * 1.702).sigmoid()).MoveToOuterDisposeScope();
    }

    private static Tensor SquaredRelu(Tensor x)
    {
        using var scope = NewDisposeScope();
        return x.relu().square().MoveToOuterDisposeScope();
    }
}
