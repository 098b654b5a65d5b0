using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Cross-attention under the names of <c>torch.nn.MultiheadAttention</c>: one packed <c>in_proj_weight</c> for q, k and v.</summary>
internal sealed class PackedAttention : NamedModule, IComputeTyped
{
    private readonly Parameter _bias;
    private readonly Linear _output;
    private readonly long _width, _heads;

    public PackedAttention(long width, long heads, ParameterSource parameters)
        : base(nameof(PackedAttention))
    {
        _width = width;
        _heads = heads;
        Parameter weight = parameters.Get("in_proj_weight", [3 * width, width], SiglipAttention.XavierUniform(width, 3 * width));
        _bias = parameters.Get("in_proj_bias", [3 * width], Initialization.Zeros);
        ProductWeight = new ProductWeight(weight);
        register_parameter("in_proj_weight", weight);
        register_parameter("in_proj_bias", _bias);
        _output = new Linear(parameters["out_proj"], width, width, initialization: SiglipAttention.XavierUniform(width, width));
        register_module("out_proj", _output);
    }

    public ScalarType ComputeType { get; set; } = ScalarType.Float32;

    public ProductWeight ProductWeight { get; }

    /// <summary>Queries <c>[1 or b, t, d]</c> over <c>[b, s, d]</c> → <c>[b, t, d]</c>.</summary>
    /// <param name="query">The same for every row, and then projected once, or one for each row.</param>
    /// <param name="context">Keys and values.</param>
    /// <param name="mask">Null, or true where a key may be attended to, broadcast to <c>[b, heads, t, s]</c>.</param>
    public Tensor Forward(Tensor query, Tensor context, Tensor? mask = null)
    {
        using var scope = NewDisposeScope();
        long batch = context.size(0), sources = context.size(1), targets = query.size(1), headWidth = _width / _heads;
        Tensor weight = ProductWeight.In(ComputeType);
        Tensor q = Linear.Product(query, weight.narrow(0, 0, _width), _bias.narrow(0, 0, _width), ComputeType)
            .view(query.size(0), targets, _heads, headWidth).transpose(1, 2).expand(batch, _heads, targets, headWidth);
        Tensor[] keysAndValues = Linear.Product(context, weight.narrow(0, _width, 2 * _width), _bias.narrow(0, _width, 2 * _width), ComputeType)
            .view(batch, sources, 2, _heads, headWidth).unbind(2);
        Tensor mixed = Aten.ScaledDotProductAttention(q, keysAndValues[0].transpose(1, 2), keysAndValues[1].transpose(1, 2), mask);
        return _output.forward(mixed.transpose(1, 2).reshape(batch, targets, _width)).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) ProductWeight.Dispose();
        base.Dispose(disposing);
    }
}
