using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What follows the embeddings in both vision towers, of fixed and of variable size: blocks, <c>post_layernorm</c>, pooling head.</summary>
internal sealed class SiglipVisionTrunk
{
    private readonly SiglipEncoder _encoder;
    private readonly LayerNorm _postNorm;
    private readonly AttentionPoolingHead? _head;

    /// <param name="config">The sizes.</param>
    /// <param name="useHead">Whether there is a pooling head.</param>
    /// <param name="parameters">The parameters of the tower.</param>
    /// <param name="register">Makes a part a child of the tower, under its published name.</param>
    public SiglipVisionTrunk(SiglipEncoderConfig config, bool useHead, ParameterSource parameters, Action<string, nn.Module> register)
    {
        _encoder = new SiglipEncoder(config, parameters["encoder"]);
        _postNorm = new LayerNorm(parameters["post_layernorm"], config.HiddenSize, config.LayerNormEpsilon);
        register("encoder", _encoder);
        register("post_layernorm", _postNorm);
        if (!useHead) return;
        _head = new AttentionPoolingHead(config, parameters["head"]);
        register("head", _head);
    }

    /// <summary>The first <paramref name="blocks"/> blocks over <c>[b, n, d]</c>, which is taken over.</summary>
    public Tensor Encode(Tensor embeddings, int blocks, Tensor? mask = null) => _encoder.Forward(embeddings, blocks, mask);

    /// <summary>The embeddings and the output of every block.</summary>
    public IReadOnlyList<Tensor> EncodeAll(Tensor embeddings) => _encoder.All(embeddings);

    /// <summary><c>post_layernorm</c> of a last block's output.</summary>
    public Tensor Normalize(Tensor hiddenState) => _postNorm.forward(hiddenState);

    /// <summary>A last block's output <c>[b, n, d]</c> → <c>[b, d]</c>.</summary>
    /// <exception cref="InvalidOperationException">The model has no pooling head.</exception>
    public Tensor Pool(Tensor hiddenState, Tensor? mask = null)
    {
        if (_head is null) throw new InvalidOperationException("This vision tower has no pooling head (vision_use_head is false); its hidden states can be used, a pooled picture cannot.");
        using var scope = NewDisposeScope();
        return _head.Forward(Normalize(hiddenState), mask).MoveToOuterDisposeScope();
    }
}
