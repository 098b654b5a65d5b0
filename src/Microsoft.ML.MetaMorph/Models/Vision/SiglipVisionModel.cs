using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The vision tower as a model of its own: all names start with <c>vision_model.</c></summary>
internal sealed class SiglipVisionModel : NamedModule
{
    public SiglipVisionModel(SiglipVisionConfig config, ParameterSource parameters)
        : base(nameof(SiglipVisionModel))
    {
        Transformer = new SiglipVisionTransformer(config, parameters["vision_model"]);
        register_module("vision_model", Transformer);
    }

    public SiglipVisionTransformer Transformer { get; }

    public SiglipVisionConfig Config => Transformer.Config;

    /// <inheritdoc cref="SiglipVisionTransformer.HiddenState"/>
    public Tensor HiddenState(Tensor pixels, int layer = -1) => Transformer.HiddenState(pixels, layer);

    /// <inheritdoc cref="SiglipVisionTransformer.HiddenStates"/>
    public IReadOnlyList<Tensor> HiddenStates(Tensor pixels) => Transformer.HiddenStates(pixels);

    /// <inheritdoc cref="SiglipVisionTransformer.LastHiddenState"/>
    public Tensor LastHiddenState(Tensor pixels) => Transformer.LastHiddenState(pixels);

    /// <inheritdoc cref="SiglipVisionTransformer.Pooled"/>
    public Tensor Pooled(Tensor pixels) => Transformer.Pooled(pixels);
}
