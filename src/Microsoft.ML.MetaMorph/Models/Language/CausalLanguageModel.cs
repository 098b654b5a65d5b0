using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>A decoder-only language model: Llama 2 to 3.2, SmolLM2, Mistral, Qwen2, Qwen2.5 and Qwen3, by its configuration.</summary>
/// <remarks>Forward passes read the parameters only, so several threads may share one model; training and loading may not overlap them.</remarks>
internal sealed class CausalLanguageModel : NamedModule
{
    /// <summary>Rows of a narrow output matrix that are widened at a time: 8,192 × 2,048 floats are 64 MiB.</summary>
    private const int WidenedRows = 8192;

    public CausalLanguageModel(LanguageModelConfig config, ParameterSource parameters)
        : base(nameof(CausalLanguageModel))
    {
        config.Validate();
        Config = config;
        register_module("model", Model = new DecoderStack(config, parameters["model"]));
        if (config.TieWordEmbeddings) return;
        register_module("lm_head", Head = new Linear(parameters["lm_head"], config.HiddenSize, config.VocabularySize, bias: false, Initialization.Normal(config.InitializerRange)));
    }

    public LanguageModelConfig Config { get; }

    public DecoderStack Model { get; }

    /// <summary>The output matrix; null where it is the embedding table.</summary>
    public Linear? Head { get; }

    /// <summary>The output matrix <c>[vocabulary, hidden]</c>, tied or not.</summary>
    public Parameter OutputWeight => Head?.Weight ?? Model.Embedding.Weight;

    /// <summary>The low-rank updates of the linear layers; null for none. Goes with the model.</summary>
    public LowRankAdapter? Adapter { get; set; }

    public Device Device => Model.Device;

    /// <summary>The element type in which the linear layers are computed.</summary>
    public ScalarType ComputeType => Model.Layers[0].Attention.Query.ComputeType;

    /// <summary>Ids <c>[…]</c> → embeddings <c>[…, hidden]</c>, float32.</summary>
    public Tensor Embed(Tensor ids) => Model.Embedding.forward(ids);

    /// <summary>Embeddings <c>[b, t, hidden]</c> → hidden states <c>[b, t, hidden]</c> after the final norm.</summary>
    /// <param name="embeddings">Float32; left as they are.</param>
    /// <param name="layout">How the positions belong together.</param>
    /// <param name="cache">Null, or the positions before these; they are added to it. Only under <c>no_grad</c>.</param>
    public Tensor Hidden(Tensor embeddings, SequenceLayout layout, KeyValueCache? cache = null) => Model.Forward(embeddings, layout, cache);

    /// <summary>Hidden states <c>[…, hidden]</c> → logits <c>[…, vocabulary]</c>, float32.</summary>
    /// <remarks>
    /// In training the product is computed in the type of the model's linear layers. Without gradients it is float32: a few
    /// positions would not pay for the conversion of the whole matrix.
    /// </remarks>
    public Tensor Logits(Tensor hidden)
    {
        if (Head is { Update: not null } or { Scales: not null }) return Head.forward(hidden);
        Parameter weight = OutputWeight;
        if (is_grad_enabled() && ComputeType != hidden.dtype) return Linear.Product(hidden, weight, null, ComputeType);
        if (weight.dtype == hidden.dtype) return F.linear(hidden, weight);
        using var scope = NewDisposeScope();
        var parts = new List<Tensor>();
        for (long first = 0; first < weight.shape[0]; first += WidenedRows)
        {
            using Tensor rows = weight.narrow(0, first, Math.Min(WidenedRows, weight.shape[0] - first));
            using Tensor widened = rows.to(hidden.dtype);
            parts.Add(F.linear(hidden, widened));
        }
        return cat(parts, -1).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) Adapter?.Dispose();
        base.Dispose(disposing);
    }
}
