using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary><c>y = x Wᵀ + b</c> with a weight <c>[out, in]</c> kept in the element type it is stored in.</summary>
/// <remarks>
/// Activations are float32. The product is computed in float32 (a bfloat16 weight is widened for the call and let go again, so a
/// mapped checkpoint is never held twice) or, with <see cref="ComputeType"/> bfloat16, in bfloat16 with a float32 result.
/// A weight of eight bits has <see cref="Scales"/> beside it and is frozen.
/// </remarks>
internal sealed class Linear : NamedLayer, IComputeTyped
{
    public Linear(ParameterSource parameters, long inputWidth, long outputWidth, bool bias = true, Initialization? initialization = null)
        : base(nameof(Linear))
    {
        InputWidth = inputWidth;
        OutputWidth = outputWidth;
        double bound = 1 / Math.Sqrt(inputWidth);
        Weight = parameters.Get("weight", [outputWidth, inputWidth], initialization ?? Initialization.Uniform(bound));
        ProductWeight = new ProductWeight(Weight);
        register_parameter("weight", Weight);
        if (Weight.dtype == ScalarType.Int8)
        {
            Scales = parameters.Get(Int8Weight.ScaleName, [outputWidth, inputWidth / Int8Weight.GroupWidth(inputWidth)], Initialization.Ones);
            register_parameter(Int8Weight.ScaleName, Scales);
        }
        if (!bias) return;
        Bias = parameters.Get("bias", [outputWidth], initialization is null ? Initialization.Uniform(bound) : Initialization.Zeros);
        register_parameter("bias", Bias);
    }

    public long InputWidth { get; }

    public long OutputWidth { get; }

    public Parameter Weight { get; }

    public Parameter? Bias { get; }

    /// <summary>The scales of a weight of eight bits (<see cref="Int8Weight"/>); null where it is a floating-point one.</summary>
    public Parameter? Scales { get; }

    /// <summary>A change that is added to the product; null for none. It stays the adapter's.</summary>
    public LowRankUpdate? Update { get; set; }

    /// <summary>The element type in which the product is computed: float32 or bfloat16.</summary>
    public ScalarType ComputeType { get; set; } = ScalarType.Float32;

    public ProductWeight ProductWeight { get; }

    public override Tensor forward(Tensor input)
    {
        if (IsPlain) return Product(input, ProductWeight.In(ComputeType), Bias, ComputeType);
        using var scope = NewDisposeScope();
        return Changed(input).to(input.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The product in <see cref="ComputeType"/>, without the way back: for sums that promote it, or for a next layer.</summary>
    public Tensor Compute(Tensor input)
    {
        if (!IsPlain) return Changed(input);
        Tensor weight = ProductWeight.In(ComputeType);
        if (AllAre(ComputeType, input, weight, Bias)) return Multiply(input, weight, Bias);
        using var scope = NewDisposeScope();
        return Multiply(input.to(ComputeType), weight.to(ComputeType), Bias?.to(ComputeType)).MoveToOuterDisposeScope();
    }

    /// <summary><c>x Wᵀ + b</c> computed in <paramref name="computeType"/>, with a result in the element type of the input.</summary>
    public static Tensor Product(Tensor input, Tensor weight, Tensor? bias, ScalarType computeType)
    {
        if (AllAre(computeType, input, weight, bias)) return Multiply(input, weight, bias);
        using var scope = NewDisposeScope();
        Tensor result = Multiply(input.to(computeType), weight.to(computeType), bias?.to(computeType));
        return result.to(input.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The weight in floating point, without a change: the parameter itself, or a new tensor where it has eight bits.</summary>
    public Tensor PlainWeight() => Scales is null ? Weight : Int8Weight.Dequantize(Weight, Scales, ScalarType.Float32);

    /// <summary>
    /// Several layers over one input as one product: <c>[…, Σ out]</c>. For training, where one wide product forward and one back
    /// beat several narrow ones and the joined weight is cheap beside them. Either all layers have a bias or none.
    /// </summary>
    public static Tensor Joined(Tensor input, ReadOnlySpan<Linear> layers)
    {
        using var scope = NewDisposeScope();
        bool biased = layers[0].Bias is not null;
        var weights = new Tensor[layers.Length];
        var biases = new Tensor[biased ? layers.Length : 0];
        for (int i = 0; i < layers.Length; i++)
        {
            weights[i] = layers[i].Weight;
            if (biased) biases[i] = layers[i].Bias!;
        }
        return Product(input, cat(weights, 0), biased ? cat(biases, 0) : null, layers[0].ComputeType).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) ProductWeight.Dispose();
        base.Dispose(disposing);
    }

    private bool IsPlain => Update is null && Scales is null;

    private Tensor Changed(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor narrow = input.to(ComputeType);
        Tensor? bias = Bias?.to(ComputeType);
        Tensor product = Scales is null ? Multiply(narrow, ProductWeight.In(ComputeType).to(ComputeType), bias) : Int8Weight.Product(narrow, Weight, Scales, bias);
        return (Update is null ? product : Update.AddTo(product, narrow)).MoveToOuterDisposeScope();
    }

    private static bool AllAre(ScalarType type, Tensor input, Tensor weight, Tensor? bias) => input.dtype == type && weight.dtype == type && (bias is null || bias.dtype == type);

    private static Tensor Multiply(Tensor input, Tensor weight, Tensor? bias) => OneDnnLinear.Serves(input, weight) ? OneDnnLinear.Forward(input, weight, bias) : F.linear(input, weight, bias);
}
