using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The convolution that turns a picture into patches (<c>patch_embedding</c>), computed as one matrix product.</summary>
/// <remarks>Kernel and stride are equal, so a patch is a row of the product and nothing is read twice; the convolution's own code is slower, above all its derivative.</remarks>
internal sealed class PatchEmbedding : NamedLayer, IComputeTyped
{
    private readonly SiglipVisionConfig _config;

    public PatchEmbedding(SiglipVisionConfig config, ParameterSource parameters)
        : base(nameof(PatchEmbedding))
    {
        _config = config;
        long patch = config.PatchSize, inputs = config.Channels * patch * patch;
        Weight = parameters.Get("weight", [config.HiddenSize, config.Channels, patch, patch], Initialization.Normal(1 / Math.Sqrt(inputs)));
        Bias = parameters.Get("bias", [config.HiddenSize], Initialization.Zeros);
        ProductWeight = new ProductWeight(Weight);
        register_parameter("weight", Weight);
        register_parameter("bias", Bias);
    }

    public Parameter Weight { get; }

    public Parameter Bias { get; }

    public ScalarType ComputeType { get; set; } = ScalarType.Float32;

    public ProductWeight ProductWeight { get; }

    /// <summary><c>[b, c, s, s]</c> → <c>[b, n, d]</c>, the rows of the grid first.</summary>
    public override Tensor forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        long batch = pixels.size(0), channels = _config.Channels, grid = _config.GridSize, patch = _config.PatchSize;
        Tensor seen = pixels.narrow(2, 0, grid * patch).narrow(3, 0, grid * patch);
        Tensor patches = seen.reshape(batch, channels, grid, patch, grid, patch).permute(0, 2, 4, 1, 3, 5).reshape(batch, grid * grid, channels * patch * patch);
        return Linear.Product(patches.to(ScalarType.Float32), ProductWeight.In(ComputeType).view(_config.HiddenSize, -1), Bias, ComputeType).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) ProductWeight.Dispose();
        base.Dispose(disposing);
    }
}
