using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>The change <c>s · B A x</c> of one linear layer (LoRA, arXiv 2106.09685), with A <c>[rank, in]</c> and B <c>[out, rank]</c> in float32.</summary>
/// <remarks>It is no part of the layer's module: the model's parameters stay those that are published, and a layer can be given an update or lose it at any time.</remarks>
internal sealed class LowRankUpdate : IDisposable
{
    private readonly ActivationDropout _dropout;
    private readonly ulong _place;

    /// <param name="parameters">Where A and B come from: <c>lora_A.weight</c> and <c>lora_B.weight</c>.</param>
    /// <param name="inputWidth">Of the layer.</param>
    /// <param name="outputWidth">Of the layer.</param>
    /// <param name="rank">Width of the bottleneck.</param>
    /// <param name="scale">s.</param>
    /// <param name="dropout">Shared by all updates of an adapter.</param>
    public LowRankUpdate(ParameterSource parameters, long inputWidth, long outputWidth, int rank, double scale, ActivationDropout dropout)
    {
        // torch's kaiming_uniform_ with a = √5, as a linear layer has it; B = 0, so that a new adapter changes nothing.
        A = parameters["lora_A"].Get("weight", [rank, inputWidth], Initialization.Uniform(1 / Math.Sqrt(inputWidth)));
        B = parameters["lora_B"].Get("weight", [outputWidth, rank], Initialization.Zeros);
        Scale = scale;
        _dropout = dropout;
        _place = dropout.NewPlace();
    }

    public Parameter A { get; }

    public Parameter B { get; }

    public double Scale { get; }

    /// <summary><paramref name="product"/> + s · B A <paramref name="input"/>, in the element type that both have.</summary>
    public Tensor AddTo(Tensor product, Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor inner = F.linear(_dropout.Apply(input, _place), A.to(input.dtype));
        return product.add(F.linear(inner, B.to(input.dtype)), Scale).MoveToOuterDisposeScope();
    }

    /// <summary>s · B A, <c>[out, in]</c> in float32.</summary>
    public Tensor Delta()
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        return (B.mm(A) * Scale).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        A.Dispose();
        B.Dispose();
    }
}
