using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary><c>y = x Wᵀ + b</c> with a weight <c>[out, in]</c> kept in the element type it is stored in.</summary>
/// <remarks>
/// Activations are float32. The product is computed in float32 (a bfloat16 weight is widened for the call and let go again, so a
/// mapped checkpoint is never held twice) or, with <see cref="ComputeType"/> bfloat16, in bfloat16 with a float32 result.
/// </remarks>
internal sealed class Linear : NamedLayer
{
    public Linear(ParameterSource parameters, long inputWidth, long outputWidth, bool bias = true, Initialization? initialization = null)
        : base(nameof(Linear))
    {
        InputWidth = inputWidth;
        OutputWidth = outputWidth;
        double bound = 1 / Math.Sqrt(inputWidth);
        Weight = parameters.Get("weight", [outputWidth, inputWidth], initialization ?? Initialization.Uniform(bound));
        register_parameter("weight", Weight);
        if (!bias) return;
        Bias = parameters.Get("bias", [outputWidth], initialization is null ? Initialization.Uniform(bound) : Initialization.Zeros);
        register_parameter("bias", Bias);
    }

    public long InputWidth { get; }

    public long OutputWidth { get; }

    public Parameter Weight { get; private set; }

    public Parameter? Bias { get; private set; }

    /// <summary>The element type in which the product is computed: float32 or bfloat16.</summary>
    public ScalarType ComputeType { get; set; } = ScalarType.Float32;

    public override Tensor forward(Tensor input)
    {
        if (input.dtype == ComputeType && Weight.dtype == ComputeType && (Bias is null || Bias.dtype == ComputeType)) return F.linear(input, Weight, Bias);
        using var scope = NewDisposeScope();
        Tensor result = F.linear(input.to(ComputeType), Weight.to(ComputeType), Bias?.to(ComputeType));
        return result.to(input.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The product in <see cref="ComputeType"/>, without the way back: for sums that promote it, or for a next layer.</summary>
    public Tensor Compute(Tensor input)
    {
        if (input.dtype == ComputeType && Weight.dtype == ComputeType && (Bias is null || Bias.dtype == ComputeType)) return F.linear(input, Weight, Bias);
        using var scope = NewDisposeScope();
        return F.linear(input.to(ComputeType), Weight.to(ComputeType), Bias?.to(ComputeType)).MoveToOuterDisposeScope();
    }
}
