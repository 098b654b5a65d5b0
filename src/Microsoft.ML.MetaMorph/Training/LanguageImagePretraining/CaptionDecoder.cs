using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A small causal transformer that writes the caption after the visual tokens. Its derivative puts into each token what a caption says
/// about the picture (objects, places, attributes), which the contrastive loss alone does less well.
/// </summary>
internal sealed class CaptionDecoder : NamedModule
{
    private readonly CaptionDecoderConfig _config;
    private readonly Embedding _tokens, _positions;
    private readonly Linear? _projection;
    private readonly SiglipEncoder _encoder;
    private readonly LayerNorm _finalNorm;
    private readonly Linear _head;

    public CaptionDecoder(CaptionDecoderConfig config, ParameterSource parameters)
        : base(nameof(CaptionDecoder))
    {
        config.Check();
        _config = config;
        long width = config.HiddenSize;
        Initialization small = Initialization.Normal(0.02);
        register_module("token_embedding", _tokens = new Embedding(parameters["token_embedding"], config.VocabularySize, width, Initialization.Normal(1 / Math.Sqrt(width))));
        register_module("position_embedding", _positions = new Embedding(parameters["position_embedding"], config.VisualTokenCount + config.MaxTextLength, width, small));
        if (config.VisualTokenWidth != width) register_module("visual_projection", _projection = new Linear(parameters["visual_projection"], config.VisualTokenWidth, width));
        register_module("encoder", _encoder = new SiglipEncoder(config, parameters["encoder"]));
        register_module("final_layer_norm", _finalNorm = new LayerNorm(parameters["final_layer_norm"], width, config.LayerNormEpsilon));
        register_module("head", _head = new Linear(parameters["head"], width, config.VocabularySize, initialization: small));
    }

    public CaptionDecoderConfig Config => _config;

    /// <summary>The mean cross-entropy of the captions' tokens and ends.</summary>
    /// <param name="visualTokens"><c>[b, N, D]</c>, of length 1 each.</param>
    /// <param name="captions">The captions of the b pictures.</param>
    public Tensor Loss(Tensor visualTokens, CaptionBatch captions)
    {
        using var scope = NewDisposeScope();
        return F.cross_entropy(Logits(visualTokens, captions), captions.Targets).MoveToOuterDisposeScope();
    }

    /// <summary>The logits of every target, row after row: <c>[targets, vocabulary]</c>.</summary>
    public Tensor Logits(Tensor visualTokens, CaptionBatch captions)
    {
        using var scope = NewDisposeScope();
        long batch = visualTokens.size(0), width = _config.HiddenSize, length = _config.VisualTokenCount + captions.Length;
        // Unit vectors have entries near 1/√D; scaled by √D they have the size that the blocks expect.
        Tensor scaled = visualTokens * Math.Sqrt(_config.VisualTokenWidth);
        Tensor prefix = _projection?.forward(scaled) ?? scaled;
        Tensor sequence = captions.Length == 0 ? prefix : cat([prefix, _tokens.forward(captions.Ids)], 1);
        Tensor hidden = _encoder.Forward(sequence + _positions.Weight.narrow(0, 0, length), _config.HiddenLayers, causal: true);
        // Only what predicts something goes through the vocabulary: no visual position but the last, no padding.
        Tensor predicting = hidden.reshape(batch * length, width).index_select(0, captions.Positions);
        return _head.forward(_finalNorm.forward(predicting)).MoveToOuterDisposeScope();
    }
}
