using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Tokens with their learned positions.</summary>
internal sealed class SiglipTextEmbeddings : NamedLayer
{
    private readonly SiglipTextConfig _config;
    private readonly Embedding _tokens, _positions;

    public SiglipTextEmbeddings(SiglipTextConfig config, ParameterSource parameters)
        : base(nameof(SiglipTextEmbeddings))
    {
        _config = config;
        Initialization initialization = Initialization.Normal(1 / Math.Sqrt(config.HiddenSize));
        _tokens = new Embedding(parameters["token_embedding"], config.VocabularySize, config.HiddenSize, initialization);
        _positions = new Embedding(parameters["position_embedding"], config.MaxPositions, config.HiddenSize, initialization);
        register_module("token_embedding", _tokens);
        register_module("position_embedding", _positions);
    }

    /// <summary><c>[b, t]</c> → <c>[b, t, d]</c>.</summary>
    /// <exception cref="ArgumentException">The text is longer than the position table.</exception>
    public override Tensor forward(Tensor ids)
    {
        if (ids.dim() != 2) throw new ArgumentException($"Token ids of the shape [{string.Join(", ", ids.shape)}] were given; [texts, tokens] is needed.", nameof(ids));
        long length = ids.size(1);
        if (length < 1 || length > _config.MaxPositions)
            throw new ArgumentException($"Texts of {length} tokens were given; this tower takes 1 to {_config.MaxPositions} (max_position_embeddings).", nameof(ids));
        using var scope = NewDisposeScope();
        Tensor tokens = _tokens.forward(ids), positions = _positions.Weight.narrow(0, 0, length).to(ScalarType.Float32);
        return (is_grad_enabled() ? tokens + positions : tokens.add_(positions)).MoveToOuterDisposeScope();
    }
}
