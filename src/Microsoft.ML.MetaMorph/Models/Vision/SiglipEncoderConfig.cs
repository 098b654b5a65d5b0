using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>What the transformer encoders of SigLIP's towers share. Defaults are those of transformers 4.57 (<c>configuration_siglip.py</c>).</summary>
internal abstract record SiglipEncoderConfig
{
    /// <summary>The width of every position, <c>hidden_size</c>.</summary>
    public int HiddenSize { get; init; } = 768;

    /// <summary>The width inside the feed-forward layers, <c>intermediate_size</c>.</summary>
    public int IntermediateSize { get; init; } = 3072;

    /// <summary>The number of blocks, <c>num_hidden_layers</c>.</summary>
    public int HiddenLayers { get; init; } = 12;

    /// <summary>The number of attention heads, <c>num_attention_heads</c>; a divisor of <see cref="HiddenSize"/>.</summary>
    public int AttentionHeads { get; init; } = 12;

    /// <summary>The activation of the feed-forward layers, <c>hidden_act</c>.</summary>
    public string Activation { get; init; } = "gelu_pytorch_tanh";

    /// <summary><c>layer_norm_eps</c>.</summary>
    public double LayerNormEpsilon { get; init; } = 1e-6;

    /// <summary>Which values a file gave, for messages.</summary>
    public ConfigKeys Keys { get; init; } = ConfigKeys.All;

    /// <summary>The width of one head.</summary>
    public int HeadWidth => HiddenSize / AttentionHeads;

    /// <summary>Takes over the shared keys of a <c>config.json</c>.</summary>
    protected SiglipEncoderConfig(JsonElement json)
    {
        Keys = ConfigKeys.Of(json);
        HiddenSize = ConfigJson.Size(json, "hidden_size", HiddenSize);
        IntermediateSize = ConfigJson.Size(json, "intermediate_size", IntermediateSize);
        HiddenLayers = ConfigJson.Size(json, "num_hidden_layers", HiddenLayers);
        AttentionHeads = ConfigJson.Size(json, "num_attention_heads", AttentionHeads);
        Activation = ConfigJson.Text(json, "hidden_act") ?? Activation;
        LayerNormEpsilon = ConfigJson.Number(json, "layer_norm_eps", LayerNormEpsilon);
    }

    protected SiglipEncoderConfig()
    {
    }

    /// <summary>The blocks that lead to a layer: 0 the embeddings, k the k-th block; negative from the end: −1 the last block.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer.</exception>
    public int Blocks(int layer)
    {
        int blocks = layer < 0 ? HiddenLayers + 1 + layer : layer;
        return blocks >= 0 && blocks <= HiddenLayers
            ? blocks
            : throw new ArgumentOutOfRangeException(nameof(layer), layer, $"The tower has {HiddenLayers} blocks: {-HiddenLayers - 1} to {HiddenLayers} can be selected.");
    }

    /// <summary>What stands behind an error of sizes that the file does not give; empty where it gives all.</summary>
    public virtual string AbsentSizes => "";

    /// <summary>Refuses sizes that fit no model.</summary>
    /// <exception cref="InvalidDataException">A size does not fit.</exception>
    public virtual void Check()
    {
        if (HiddenSize % AttentionHeads != 0)
            throw new InvalidDataException($"hidden_size {HiddenSize}{Keys.Note("hidden_size")} is not a multiple of num_attention_heads {AttentionHeads}{Keys.Note("num_attention_heads")}.");
        if (LayerNormEpsilon <= 0) throw new InvalidDataException(FormattableString.Invariant($"'layer_norm_eps' is {LayerNormEpsilon}; it must be above zero."));
        HiddenActivation.Named(Activation);
    }

    /// <summary>The sizes that every tower has.</summary>
    protected (string Key, object Value)[] SharedSizes => [("hidden_size", HiddenSize), ("intermediate_size", IntermediateSize), ("num_hidden_layers", HiddenLayers)];

    /// <summary>Writes the config as one object, in the published layout.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="architecture">The published class; null where none is named.</param>
    /// <param name="modelType">Which model it is.</param>
    /// <param name="writeSizes">Writes the keys that the tower has for itself.</param>
    protected void Write(Utf8JsonWriter writer, string? architecture, string modelType, Action writeSizes)
    {
        writer.WriteStartObject();
        ConfigJson.WriteModel(writer, architecture, modelType);
        writer.WriteNumber("hidden_size", HiddenSize);
        writer.WriteNumber("intermediate_size", IntermediateSize);
        writer.WriteNumber("num_hidden_layers", HiddenLayers);
        writer.WriteNumber("num_attention_heads", AttentionHeads);
        writer.WriteString("hidden_act", Activation);
        writer.WriteNumber("layer_norm_eps", LayerNormEpsilon);
        writer.WriteNumber("attention_dropout", 0.0);
        writeSizes();
        writer.WriteEndObject();
    }
}
