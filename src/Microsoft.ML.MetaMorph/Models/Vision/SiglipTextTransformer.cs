using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The text tower of SigLIP. There is no mask: every position attends to every other, padding included, and the text is what the
/// <em>last</em> position holds, whatever token stands there. Pad to <see cref="SiglipTextConfig.MaxPositions"/> as in training.
/// </summary>
internal sealed class SiglipTextTransformer : NamedModule
{
    private readonly SiglipTextEmbeddings _embeddings;
    private readonly SiglipEncoder _encoder;
    private readonly LayerNorm _finalNorm;
    private readonly Linear _head;

    public SiglipTextTransformer(SiglipTextConfig config, ParameterSource parameters)
        : base(nameof(SiglipTextTransformer))
    {
        config.Check();
        Config = config;
        _embeddings = new SiglipTextEmbeddings(config, parameters["embeddings"]);
        _encoder = new SiglipEncoder(config, parameters["encoder"]);
        _finalNorm = new LayerNorm(parameters["final_layer_norm"], config.HiddenSize, config.LayerNormEpsilon);
        _head = new Linear(parameters["head"], config.HiddenSize, config.ProjectionSize, initialization: Initialization.Normal(1 / Math.Sqrt(config.HiddenSize)));
        register_module("embeddings", _embeddings);
        register_module("encoder", _encoder);
        register_module("final_layer_norm", _finalNorm);
        register_module("head", _head);
    }

    public SiglipTextConfig Config { get; }

    /// <summary><c>[b, t]</c> ids → <c>[b, t, d]</c>, after <c>final_layer_norm</c>.</summary>
    public Tensor LastHiddenState(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return _finalNorm.forward(_encoder.Forward(_embeddings.forward(ids), Config.HiddenLayers)).MoveToOuterDisposeScope();
    }

    /// <summary><c>[b, t]</c> ids → <c>[b, p]</c>.</summary>
    public Tensor Pooled(Tensor ids)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _encoder.Forward(_embeddings.forward(ids), Config.HiddenLayers);
        return _head.forward(_finalNorm.forward(hidden.select(1, -1))).MoveToOuterDisposeScope();
    }
}
