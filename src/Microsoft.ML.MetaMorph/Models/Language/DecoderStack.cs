using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The decoder without its output matrix (<c>model</c>): embeddings, layers, final norm.</summary>
internal sealed class DecoderStack : NamedModule
{
    private readonly LanguageModelConfig _config;

    public DecoderStack(LanguageModelConfig config, ParameterSource parameters)
        : base(nameof(DecoderStack))
    {
        _config = config;
        Device = parameters.Device;
        Rotary = new RotaryEmbedding(config);
        register_module("embed_tokens", Embedding = new Embedding(parameters["embed_tokens"], config.VocabularySize, config.HiddenSize, Initialization.Normal(config.InitializerRange)));
        register_module("layers", Layers = new ModuleList<DecoderLayer>(Enumerable.Range(0, config.LayerCount).Select(i => new DecoderLayer(config, parameters["layers"][i]))));
        register_module("norm", Norm = new RmsNorm(parameters["norm"], config.HiddenSize, config.NormEpsilon));
    }

    public Device Device { get; }

    public RotaryEmbedding Rotary { get; }

    public Embedding Embedding { get; }

    public ModuleList<DecoderLayer> Layers { get; }

    public RmsNorm Norm { get; }

    /// <summary>Checks the input and plans the attention that all layers of the pass share.</summary>
    /// <exception cref="ArgumentException">Shapes, layout and cache do not fit; the numbers are named.</exception>
    public AttentionPlan Plan(Tensor embeddings, SequenceLayout layout, KeyValueCache? cache)
    {
        long[] shape = embeddings.shape;
        if (shape.Length != 3 || shape[2] != _config.HiddenSize)
            throw new ArgumentException($"The embeddings have the shape [{string.Join(", ", shape)}]; [batch, length, {_config.HiddenSize}] is needed.", nameof(embeddings));
        if (embeddings.dtype != ScalarType.Float32) throw new ArgumentException($"The embeddings are {embeddings.dtype}; the residual stream is float32.", nameof(embeddings));
        if (cache is not null && is_grad_enabled()) throw new InvalidOperationException("A key/value cache keeps no gradients: call the model under torch.no_grad().");
        if (cache is not null && cache.LayerCount != Layers.Count) throw new ArgumentException($"The cache has {cache.LayerCount} layers, the model {Layers.Count}.", nameof(cache));
        return AttentionPlan.Create(Rotary, layout, (int)shape[0], (int)shape[1], cache, embeddings.device);
    }

    /// <summary><c>[b, t, hidden]</c> → <c>[b, t, hidden]</c> after the final norm.</summary>
    public Tensor Forward(Tensor embeddings, SequenceLayout layout, KeyValueCache? cache)
    {
        using var scope = NewDisposeScope();
        AttentionPlan plan = Plan(embeddings, layout, cache);
        int length = (int)embeddings.shape[1];
        cache?.Reserve(cache.Length + length);
        Tensor stream = embeddings;
        for (int i = 0; i < Layers.Count; i++)
        {
            Tensor next = Layers[i].Forward(stream, plan, cache, i);
            if (i > 0) stream.Dispose();   // what autograd needs of it, autograd keeps
            stream = next;
        }
        if (cache is not null) Remember(cache, layout, length);
        return Norm.forward(stream).MoveToOuterDisposeScope();
    }

    /// <summary>The embeddings and every layer's output, before the final norm: layers + 1 tensors <c>[b, t, hidden]</c>.</summary>
    public IReadOnlyList<Tensor> States(Tensor embeddings, SequenceLayout layout)
    {
        using var scope = NewDisposeScope();
        AttentionPlan plan = Plan(embeddings, layout, cache: null);
        var states = new List<Tensor>(Layers.Count + 1) { embeddings.alias() };
        for (int i = 0; i < Layers.Count; i++) states.Add(Layers[i].Forward(states[i], plan, cache: null, i));
        foreach (Tensor state in states) state.MoveToOuterDisposeScope();
        return states;
    }

    private static void Remember(KeyValueCache cache, SequenceLayout layout, int length)
    {
        if (layout is LeftPaddedLayout padded && padded.Padding.Any(p => p > 0)) cache.Padding = padded.Padding;
        cache.Advance(length);
    }
}
