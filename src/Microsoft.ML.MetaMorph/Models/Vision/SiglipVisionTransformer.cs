using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The vision tower of SigLIP (arXiv 2303.15343): names as under <c>vision_model.</c> in the published checkpoints, or under
/// <c>model.vision_tower.vision_tower.</c> (with or without <c>vision_model.</c>) in those of MetaMorph.
/// </summary>
internal sealed class SiglipVisionTransformer : NamedModule
{
    private readonly SiglipVisionEmbeddings _embeddings;
    private readonly SiglipVisionTrunk _trunk;

    public SiglipVisionTransformer(SiglipVisionConfig config, ParameterSource parameters)
        : base(nameof(SiglipVisionTransformer))
    {
        config.Check();
        Config = config;
        Device = parameters.Device;
        _embeddings = new SiglipVisionEmbeddings(config, parameters["embeddings"]);
        register_module("embeddings", _embeddings);
        _trunk = new SiglipVisionTrunk(config, config.UseHead, parameters, (name, part) => register_module(name, part));
    }

    public SiglipVisionConfig Config { get; }

    public Device Device { get; }

    /// <summary><c>[b, c, s, s]</c> → <c>[b, n, d]</c>: the output of a block, before <c>post_layernorm</c>.</summary>
    /// <param name="pixels">Float pixels, −1 to 1 in published models.</param>
    /// <param name="layer">0 the embeddings, k the k-th block; negative from the end: −1 the last block.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    public Tensor HiddenState(Tensor pixels, int layer = -1)
    {
        int blocks = Config.Blocks(layer);
        using var scope = NewDisposeScope();
        return _trunk.Encode(_embeddings.forward(pixels), blocks).MoveToOuterDisposeScope();
    }

    /// <summary>The embeddings and the output of every block, each <c>[b, n, d]</c>.</summary>
    public IReadOnlyList<Tensor> HiddenStates(Tensor pixels) => _trunk.EncodeAll(_embeddings.forward(pixels));

    /// <summary><c>[b, c, s, s]</c> → <c>[b, n, d]</c>: the last block's output after <c>post_layernorm</c>.</summary>
    public Tensor LastHiddenState(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return Normalize(HiddenState(pixels)).MoveToOuterDisposeScope();
    }

    /// <summary><c>[b, c, s, s]</c> → <c>[b, d]</c>: the attention pooling head over the last hidden state.</summary>
    public Tensor Pooled(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        return Pool(HiddenState(pixels)).MoveToOuterDisposeScope();
    }

    /// <summary>The pooled picture of a last block's output <c>[b, n, d]</c> that is at hand already.</summary>
    /// <exception cref="InvalidOperationException">The model has no pooling head.</exception>
    public Tensor Pool(Tensor hiddenState) => _trunk.Pool(hiddenState);

    /// <summary><c>post_layernorm</c> of a last block's output.</summary>
    public Tensor Normalize(Tensor hiddenState) => _trunk.Normalize(hiddenState);
}
