using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The text tower as a model of its own: all names start with <c>text_model.</c></summary>
internal sealed class SiglipTextModel : NamedModule
{
    public SiglipTextModel(SiglipTextConfig config, ParameterSource parameters)
        : base(nameof(SiglipTextModel))
    {
        Transformer = new SiglipTextTransformer(config, parameters["text_model"]);
        register_module("text_model", Transformer);
    }

    public SiglipTextTransformer Transformer { get; }

    public SiglipTextConfig Config => Transformer.Config;

    /// <inheritdoc cref="SiglipTextTransformer.LastHiddenState"/>
    public Tensor LastHiddenState(Tensor ids) => Transformer.LastHiddenState(ids);

    /// <inheritdoc cref="SiglipTextTransformer.Pooled"/>
    public Tensor Pooled(Tensor ids) => Transformer.Pooled(ids);
}
