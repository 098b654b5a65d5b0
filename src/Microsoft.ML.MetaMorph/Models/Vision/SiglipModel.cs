using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>Both towers of SigLIP (arXiv 2303.15343, section 3) or SigLIP 2 (arXiv 2502.14786), and the scale and bias of the sigmoid loss.</summary>
internal sealed class SiglipModel : NamedModule
{
    public SiglipModel(SiglipConfig config, ParameterSource parameters)
        : base(nameof(SiglipModel))
    {
        config.Check();
        Config = config;
        LogitScale = parameters.Get("logit_scale", [1], InitialLogitScale);
        LogitBias = parameters.Get("logit_bias", [1], InitialLogitBias);
        register_parameter("logit_scale", LogitScale);
        register_parameter("logit_bias", LogitBias);
        Text = new SiglipTextTransformer(config.Text, parameters["text_model"]);
        Vision = VisionTower.Of(config.Vision, parameters["vision_model"]);
        register_module("text_model", Text);
        register_module("vision_model", Vision.Module);
    }

    /// <summary>log 10, as the paper starts.</summary>
    public static Initialization InitialLogitScale { get; } = Initialization.Constant(Math.Log(10));

    /// <summary>−10: at the start nearly every pair is a "no".</summary>
    public static Initialization InitialLogitBias { get; } = Initialization.Constant(-10);

    public SiglipConfig Config { get; }

    public VisionTower Vision { get; }

    public SiglipTextTransformer Text { get; }

    /// <summary>log t′: similarities are multiplied by its exponential.</summary>
    public Parameter LogitScale { get; }

    /// <summary>b, added to every logit.</summary>
    public Parameter LogitBias { get; }

    /// <summary>Pictures → unit vectors <c>[b, d]</c>.</summary>
    /// <inheritdoc cref="VisionTower.HiddenState"/>
    public Tensor ImageEmbeddings(Tensor pictures, IReadOnlyList<PatchGrid>? grids = null)
    {
        using var scope = NewDisposeScope();
        return Unit(Vision.Pooled(pictures, grids)).MoveToOuterDisposeScope();
    }

    /// <summary><c>[b, t]</c> ids → unit vectors <c>[b, d]</c>.</summary>
    public Tensor TextEmbeddings(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return Unit(Text.Pooled(ids)).MoveToOuterDisposeScope();
    }

    /// <summary>exp(scale) · cosine + bias: <c>[pictures, texts]</c>.</summary>
    public Tensor LogitsPerImage(Tensor imageEmbeddings, Tensor textEmbeddings)
    {
        using var scope = NewDisposeScope();
        Tensor similarity = F.linear(imageEmbeddings, textEmbeddings);
        return (similarity * LogitScale.to(ScalarType.Float32).exp() + LogitBias.to(ScalarType.Float32)).MoveToOuterDisposeScope();
    }

    /// <summary>Rows scaled to length 1.</summary>
    public static Tensor Unit(Tensor rows) => F.normalize(rows, 2, -1);
}
