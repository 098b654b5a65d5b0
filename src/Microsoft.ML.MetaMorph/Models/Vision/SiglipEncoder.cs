using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A stack of blocks; both towers of SigLIP, NaFlex and the captioning decoder are one.</summary>
internal sealed class SiglipEncoder : NamedModule
{
    public SiglipEncoder(SiglipEncoderConfig config, ParameterSource parameters)
        : base(nameof(SiglipEncoder))
    {
        ParameterSource layers = parameters["layers"];
        Layers = new ModuleList<SiglipEncoderLayer>(Enumerable.Range(0, config.HiddenLayers).Select(i => new SiglipEncoderLayer(config, layers[i])));
        register_module("layers", Layers);
    }

    public ModuleList<SiglipEncoderLayer> Layers { get; }

    /// <summary>Runs the first <paramref name="count"/> blocks over <c>[b, t, d]</c>.</summary>
    /// <param name="embeddings">Taken over: without gradients it is overwritten and returned.</param>
    /// <param name="count">From 0 to the number of blocks.</param>
    /// <param name="mask">As <see cref="SiglipAttention.Forward"/> takes it.</param>
    /// <param name="causal">Each position sees itself and those before it.</param>
    public Tensor Forward(Tensor embeddings, int count, Tensor? mask = null, bool causal = false)
    {
        Tensor hidden = embeddings;
        for (int i = 0; i < count; i++)
        {
            if (is_grad_enabled()) hidden = Next(Layers[i], hidden, mask, causal, first: ReferenceEquals(hidden, embeddings));
            else Layers[i].ForwardInPlace(hidden, mask, causal);
        }
        return hidden;
    }

    /// <summary>The embeddings and every block's output, each a tensor of its own.</summary>
    public IReadOnlyList<Tensor> All(Tensor embeddings, Tensor? mask = null, bool causal = false)
    {
        var states = new List<Tensor> { embeddings };
        foreach (SiglipEncoderLayer layer in Layers) states.Add(layer.Forward(states[^1], mask, causal));
        return states;
    }

    // The graph keeps what its derivative needs; the wrapper of a block's output is let go as soon as the next block has read it.
    private static Tensor Next(SiglipEncoderLayer layer, Tensor hidden, Tensor? mask, bool causal, bool first)
    {
        Tensor next = layer.Forward(hidden, mask, causal);
        if (!first) hidden.Dispose();
        return next;
    }
}
