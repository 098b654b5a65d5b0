using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Patches with their learned positions.</summary>
internal sealed class SiglipVisionEmbeddings : NamedLayer
{
    private readonly SiglipVisionConfig _config;
    private readonly PatchEmbedding _patches;
    private readonly Embedding _positions;

    public SiglipVisionEmbeddings(SiglipVisionConfig config, ParameterSource parameters)
        : base(nameof(SiglipVisionEmbeddings))
    {
        _config = config;
        _patches = new PatchEmbedding(config, parameters["patch_embedding"]);
        _positions = new Embedding(parameters["position_embedding"], config.PatchCount, config.HiddenSize, Initialization.Normal(1 / Math.Sqrt(config.HiddenSize)));
        register_module("patch_embedding", _patches);
        register_module("position_embedding", _positions);
    }

    /// <summary><c>[b, c, s, s]</c> → <c>[b, n, d]</c>.</summary>
    /// <exception cref="ArgumentException">The pictures have another size than the config says.</exception>
    public override Tensor forward(Tensor pixels)
    {
        if (pixels.dim() != 4 || pixels.size(1) != _config.Channels || pixels.size(2) != _config.ImageSize || pixels.size(3) != _config.ImageSize)
            throw new ArgumentException($"Pictures of the shape [{string.Join(", ", pixels.shape)}] were given; this encoder takes [pictures, {_config.Channels}, {_config.ImageSize}, {_config.ImageSize}]. Resize them first.", nameof(pixels));
        using var scope = NewDisposeScope();
        Tensor embedded = _patches.forward(pixels), positions = _positions.Weight.to(ScalarType.Float32);
        return (is_grad_enabled() ? embedded + positions : embedded.add_(positions)).MoveToOuterDisposeScope();
    }
}
