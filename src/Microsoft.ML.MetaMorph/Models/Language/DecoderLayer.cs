using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Attention and feed-forward network, each on the normalised stream and added to it (<c>model.layers.N</c>).</summary>
internal sealed class DecoderLayer : NamedModule
{
    public DecoderLayer(LanguageModelConfig config, ParameterSource parameters)
        : base(nameof(DecoderLayer))
    {
        register_module("self_attn", Attention = new GroupedQueryAttention(config, parameters["self_attn"]));
        register_module("mlp", FeedForward = new GatedFeedForward(config, parameters["mlp"]));
        register_module("input_layernorm", InputNorm = new RmsNorm(parameters["input_layernorm"], config.HiddenSize, config.NormEpsilon));
        register_module("post_attention_layernorm", FeedForwardNorm = new RmsNorm(parameters["post_attention_layernorm"], config.HiddenSize, config.NormEpsilon));
    }

    public GroupedQueryAttention Attention { get; }

    public GatedFeedForward FeedForward { get; }

    public RmsNorm InputNorm { get; }

    public RmsNorm FeedForwardNorm { get; }

    /// <summary><c>[b, t, hidden]</c> → <c>[b, t, hidden]</c>, float32. The input is left as it is.</summary>
    public Tensor Forward(Tensor input, AttentionPlan plan, KeyValueCache? cache, int layer)
    {
        using var scope = NewDisposeScope();
        Tensor stream = input + Attention.Forward(InputNorm.forward(input), plan, cache, layer);
        Tensor change = FeedForward.Forward(FeedForwardNorm.forward(stream));
        return (is_grad_enabled() ? stream + change : stream.add_(change)).MoveToOuterDisposeScope();
    }
}
