using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A vision tower with its teachers. Names are SigLIP's (<c>vision_model.</c>, <c>text_model.</c>, <c>logit_scale</c>, <c>logit_bias</c>);
/// <c>caption_decoder.</c> is left out when an encoder is stored.
/// </summary>
internal sealed class LanguageImageModel : NamedModule
{
    public LanguageImageModel(LanguageImageModelConfig config, ParameterSource parameters)
        : base(nameof(LanguageImageModel))
    {
        Config = config;
        Device = parameters.Device;
        config.Tokens.Check(config.Vision, config.Vision.FixedPatchCount);
        Vision = VisionTower.Of(config.Vision, parameters["vision_model"]);
        register_module("vision_model", Vision.Module);
        if (config.Decoder is { } decoder) register_module("caption_decoder", Decoder = new CaptionDecoder(decoder, parameters["caption_decoder"]));
        if (config.Text is not { } text) return;
        new SiglipConfig(config.Vision, text).Check();
        register_module("text_model", Text = new SiglipTextTransformer(text, parameters["text_model"]));
        register_parameter("logit_scale", LogitScale = parameters.Get("logit_scale", [1], SiglipModel.InitialLogitScale));
        register_parameter("logit_bias", LogitBias = parameters.Get("logit_bias", [1], SiglipModel.InitialLogitBias));
    }

    public LanguageImageModelConfig Config { get; }

    public Device Device { get; }

    public VisionTower Vision { get; }

    public SiglipTextTransformer? Text { get; }

    public CaptionDecoder? Decoder { get; }

    public Parameter? LogitScale { get; }

    public Parameter? LogitBias { get; }

    /// <summary>A model of random weights.</summary>
    public static LanguageImageModel CreateFresh(LanguageImageModelConfig config, Device device, int seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return new LanguageImageModel(config, new FreshParameters(device, generator));
    }

    /// <summary>A published SigLIP with fresh teachers where it has none.</summary>
    /// <param name="config">Its sizes.</param>
    /// <param name="published">Its parameters under their published names, trainable, in float32.</param>
    /// <param name="seed">Of the new parts.</param>
    public static LanguageImageModel Continue(LanguageImageModelConfig config, ParameterSource published, int seed)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return new LanguageImageModel(config, new FallbackParameters(published, new FreshParameters(published.Device, generator)));
    }

    /// <summary>The parameters of the encoder under their published names: without the captioning decoder.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> EncoderParameters()
        => named_parameters().Where(p => !p.name.StartsWith("caption_decoder.", StringComparison.Ordinal));

    /// <summary>The visual tokens <c>[b, N, D]</c> of the vision tower's last block, which the captioning decoder reads.</summary>
    public Tensor VisualTokens(Tensor hiddenState, IReadOnlyList<PatchGrid>? grids = null) => Vision.Reduce(hiddenState, Config.Tokens, grids);

    /// <summary>exp(scale) · cosine + bias of every picture with every text: <c>[pictures, texts]</c>.</summary>
    /// <param name="hiddenState">The vision tower's last block, <c>[b, n, d]</c>.</param>
    /// <param name="ids">Padded texts, <c>[b, t]</c>.</param>
    /// <param name="grids">The grids of pictures that keep their shape.</param>
    public Tensor LogitsPerImage(Tensor hiddenState, Tensor ids, IReadOnlyList<PatchGrid>? grids = null)
    {
        if (Text is null || LogitScale is null || LogitBias is null) throw new InvalidOperationException("This model was made without a text tower.");
        using var scope = NewDisposeScope();
        Tensor similarity = F.linear(SiglipModel.Unit(Vision.Pool(hiddenState, grids)), SiglipModel.Unit(Text.Pooled(ids)));
        return (similarity * LogitScale.exp() + LogitBias).MoveToOuterDisposeScope();
    }
}
