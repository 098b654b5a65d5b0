using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The shape of a decoder-only language model, as its published <c>config.json</c> gives it.</summary>
/// <remarks>One shape serves Llama 2 to 3.2, SmolLM2, Mistral, Qwen2, Qwen2.5 and Qwen3; they differ in biases, query/key norms and defaults only.</remarks>
internal sealed record LanguageModelConfig
{
    /// <summary>The kinds of <c>model_type</c> that are computed.</summary>
    public static IReadOnlyList<string> Supported { get; } = ["llama", "mistral", "qwen2", "qwen3"];

    /// <summary><c>llama</c>, <c>mistral</c>, <c>qwen2</c> or <c>qwen3</c>.</summary>
    public string ModelType { get; init; } = "llama";

    public required int VocabularySize { get; init; }

    public required int HiddenSize { get; init; }

    /// <summary>The width inside the gated feed-forward network.</summary>
    public required int IntermediateSize { get; init; }

    public required int LayerCount { get; init; }

    /// <summary>Query heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads; divides <see cref="HeadCount"/>.</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Even; need not be <see cref="HiddenSize"/> / <see cref="HeadCount"/>.</summary>
    public required int HeadWidth { get; init; }

    public double NormEpsilon { get; init; } = 1e-5;

    public double RopeTheta { get; init; } = 10_000;

    public RopeScaling? RopeScaling { get; init; }

    public int MaxPositions { get; init; } = 2048;

    /// <summary>Biases of the query, key and value projections.</summary>
    public bool QueryKeyValueBias { get; init; }

    /// <summary>A bias of the attention's output projection.</summary>
    public bool OutputBias { get; init; }

    /// <summary>Biases of the feed-forward network.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>Queries and keys are normalised head by head before they are rotated (Qwen3).</summary>
    public bool QueryKeyNorm { get; init; }

    /// <summary>The output matrix is the embedding table.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Standard deviation of fresh weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    public int? BosTokenId { get; init; }

    /// <summary>Any of them ends a response; empty where the file names none.</summary>
    public int[] EosTokenIds { get; init; } = [];

    /// <summary>Which values a file gave, for messages.</summary>
    public ConfigKeys Keys { get; init; } = ConfigKeys.All;

    /// <summary>Reads a published configuration; <c>metamorph_llama</c> and its like are read as the language model they hold.</summary>
    /// <exception cref="NotSupportedException">A feature that this library does not compute, by name.</exception>
    /// <exception cref="InvalidDataException">A key is missing or out of range.</exception>
    public static LanguageModelConfig FromJson(JsonElement json)
    {
        string type = ConfigJson.Text(json, "model_type") ?? throw new InvalidDataException($"'model_type' is missing; it must be one of {string.Join(", ", Supported)}, or {MetaMorphConfig.ModelTypePrefix} with one of them.");
        if (type.StartsWith(MetaMorphConfig.ModelTypePrefix, StringComparison.Ordinal)) type = type[MetaMorphConfig.ModelTypePrefix.Length..];
        if (!Supported.Contains(type)) throw new NotSupportedException($"model_type '{type}' is not supported. Supported language models: {string.Join(", ", Supported)}.");
        RefuseUnsupported(json, type);
        int hidden = ConfigJson.Size(json, "hidden_size"), heads = ConfigJson.Size(json, "num_attention_heads");
        bool attentionBias = ConfigJson.Flag(json, "attention_bias", absent: false);
        JsonElement rope = ConfigJson.Section(json, "rope_parameters") ?? json;
        var config = new LanguageModelConfig
        {
            Keys = ConfigKeys.Of(json),
            ModelType = type,
            VocabularySize = ConfigJson.Size(json, "vocab_size"),
            HiddenSize = hidden,
            IntermediateSize = ConfigJson.Size(json, "intermediate_size"),
            LayerCount = ConfigJson.Size(json, "num_hidden_layers"),
            HeadCount = heads,
            KeyValueHeadCount = KeyValueHeads(json, type, heads),
            HeadWidth = ConfigJson.Size(json, "head_dim", type == "qwen3" ? 128 : HeadWidthOf(hidden, heads)),
            NormEpsilon = ConfigJson.Number(json, "rms_norm_eps", 1e-6),
            RopeTheta = ConfigJson.Number(rope, "rope_theta", ConfigJson.Number(json, "rope_theta", 10_000)),
            RopeScaling = RopeScaling.FromJson(json),
            MaxPositions = ConfigJson.Size(json, "max_position_embeddings", type switch { "llama" => 2048, "mistral" => 131_072, _ => 32_768 }),
            QueryKeyValueBias = type == "qwen2" || attentionBias,
            OutputBias = type != "qwen2" && attentionBias,
            FeedForwardBias = ConfigJson.Flag(json, "mlp_bias", absent: false),
            QueryKeyNorm = type == "qwen3",
            TieWordEmbeddings = ConfigJson.Flag(json, "tie_word_embeddings", absent: false),
            InitializerRange = ConfigJson.Number(json, "initializer_range", 0.02),
            BosTokenId = ConfigJson.OptionalInteger(json, "bos_token_id"),
            EosTokenIds = ConfigJson.Integers(json, "eos_token_id"),
        };
        config.Validate();
        return config;
    }

    /// <summary>Writes the configuration as one JSON object in the published layout.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        ConfigJson.WriteModel(writer, $"{char.ToUpperInvariant(ModelType[0])}{ModelType[1..]}ForCausalLM", ModelType);
        WriteEntries(writer);
        writer.WriteEndObject();
    }

    /// <summary>Writes every entry but <c>model_type</c> and <c>architectures</c> into the object that is open.</summary>
    public void WriteEntries(Utf8JsonWriter writer)
    {
        writer.WriteNumber("vocab_size", VocabularySize);
        writer.WriteNumber("hidden_size", HiddenSize);
        writer.WriteNumber("intermediate_size", IntermediateSize);
        writer.WriteNumber("num_hidden_layers", LayerCount);
        writer.WriteNumber("num_attention_heads", HeadCount);
        writer.WriteNumber("num_key_value_heads", KeyValueHeadCount);
        writer.WriteNumber("head_dim", HeadWidth);
        writer.WriteString("hidden_act", "silu");
        writer.WriteNumber("rms_norm_eps", NormEpsilon);
        writer.WriteNumber("rope_theta", RopeTheta);
        writer.WritePropertyName("rope_scaling");
        if (RopeScaling is null) writer.WriteNullValue();
        else RopeScaling.Write(writer);
        writer.WriteNumber("max_position_embeddings", MaxPositions);
        writer.WriteBoolean("attention_bias", OutputBias);
        writer.WriteBoolean("mlp_bias", FeedForwardBias);
        writer.WriteNumber("attention_dropout", 0.0);
        writer.WriteNull("sliding_window");
        writer.WriteBoolean("use_sliding_window", false);
        writer.WriteBoolean("tie_word_embeddings", TieWordEmbeddings);
        writer.WriteNumber("initializer_range", InitializerRange);
        WriteTokens(writer);
    }

    /// <summary>What weights depend on and a file may leave away.</summary>
    public (string Key, object Value)[] Sizes => [("num_key_value_heads", KeyValueHeadCount), ("head_dim", HeadWidth), ("tie_word_embeddings", TieWordEmbeddings ? "true" : "false")];

    /// <summary>What <see cref="IsRopeTheta"/> asks for, in words.</summary>
    public const string RopeThetaRange = "from 1 to 1e15";

    /// <summary>Whether the base of the rotary positions gives angles that float32 can hold: below 1 they grow with the width, without end.</summary>
    public static bool IsRopeTheta(double theta) => theta is >= 1 and <= 1e15;

    /// <summary>Checks what the model relies on.</summary>
    /// <exception cref="InvalidDataException">A size does not fit another; both are named.</exception>
    public void Validate()
    {
        if (!Supported.Contains(ModelType)) throw new InvalidDataException($"The model type '{ModelType}' is none of {string.Join(", ", Supported)}.");
        if (VocabularySize < 1 || HiddenSize < 1 || IntermediateSize < 1 || LayerCount < 1 || HeadCount < 1 || KeyValueHeadCount < 1)
            throw new InvalidDataException($"Vocabulary ({VocabularySize}), widths ({HiddenSize}, {IntermediateSize}), layers ({LayerCount}) and heads ({HeadCount}, {KeyValueHeadCount}) of a language model must all be above zero.");
        if (HeadCount % KeyValueHeadCount != 0) throw new InvalidDataException($"num_attention_heads ({HeadCount}) is no multiple of num_key_value_heads ({KeyValueHeadCount}){Keys.Note("num_key_value_heads")}.");
        if (HeadWidth < 2 || HeadWidth % 2 != 0) throw new InvalidDataException($"head_dim is {HeadWidth}; rotary positions need an even width of at least 2.");
        if (ModelType == "qwen2" ? OutputBias || !QueryKeyValueBias : OutputBias != QueryKeyValueBias)
            throw new InvalidDataException($"A {ModelType} model cannot have query/key/value biases = {QueryKeyValueBias} with an output bias = {OutputBias}: no published configuration says so.");
        if (QueryKeyNorm != (ModelType == "qwen3")) throw new InvalidDataException($"Query/key norms belong to qwen3 alone, not to {ModelType}.");
        if (NormEpsilon <= 0) throw new InvalidDataException($"rms_norm_eps is {NormEpsilon}; it must be above zero.");
        if (!IsRopeTheta(RopeTheta)) throw new InvalidDataException(FormattableString.Invariant($"rope_theta is {RopeTheta}; it must be {RopeThetaRange}."));
        foreach ((string key, int id) in EosTokenIds.Select(id => ("eos_token_id", id)).Concat(BosTokenId is { } bos ? [("bos_token_id", bos)] : Array.Empty<(string, int)>()))
        {
            if (id < 0 || id >= VocabularySize) throw new InvalidDataException($"{key} is {id}; it must be the id of a token, from 0 to {VocabularySize - 1} (vocab_size is {VocabularySize}).");
        }
        if (RopeScaling is { Factor: <= 0 }) throw new InvalidDataException($"rope_scaling.factor is {RopeScaling.Factor}; it must be above zero.");
    }

    // Where the key is absent the published classes differ; a null, unlike that, means as many as there are query heads.
    private static int KeyValueHeads(JsonElement json, string type, int heads)
    {
        int absent = json.TryGetProperty("num_key_value_heads", out _) ? heads : type switch { "mistral" => 8, "qwen2" or "qwen3" => 32, _ => heads };
        return ConfigJson.Size(json, "num_key_value_heads", absent);
    }

    private static int HeadWidthOf(int hidden, int heads)
        => hidden >= heads ? hidden / heads : throw new InvalidDataException($"hidden_size ({hidden}) is less than num_attention_heads ({heads}), and there is no head_dim; a head must be at least 2 wide.");

    private static void RefuseUnsupported(JsonElement json, string type)
    {
        string activation = ConfigJson.Text(json, "hidden_act") ?? "silu";
        if (activation is not ("silu" or "swish")) throw new NotSupportedException($"hidden_act '{activation}' is not supported. Supported: silu, swish.");
        if (ConfigJson.TryGet(json, "layer_types", out JsonElement layers) && OtherAttention(layers) is { } odd)
            throw new NotSupportedException($"layer_types holds {odd}; only full_attention is supported.");
        if (Window(json, type) is { } window && window < ConfigJson.Size(json, "max_position_embeddings", int.MaxValue))
            throw new NotSupportedException($"sliding_window attention ({window} positions){ConfigKeys.Of(json).Note("sliding_window")} is not supported.");
        if (ConfigJson.TryGet(json, "quantization_config", out _)) throw new NotSupportedException("quantization_config (quantised weights) is not supported; use the unquantised checkpoint.");
    }

    // Where they slide, the published classes have a window of 4096 if the key is absent; a null, unlike that, is none.
    private static int? Window(JsonElement json, string type)
    {
        if (type != "mistral" && !ConfigJson.Flag(json, "use_sliding_window", absent: false)) return null;
        return json.TryGetProperty("sliding_window", out _) ? ConfigJson.OptionalInteger(json, "sliding_window") : 4096;
    }

    private static string? OtherAttention(JsonElement layers)
    {
        if (layers.ValueKind != JsonValueKind.Array) return layers.GetRawText();
        return layers.EnumerateArray().Where(l => l.ValueKind != JsonValueKind.String || l.GetString() != "full_attention").Select(l => l.GetRawText()).FirstOrDefault();
    }

    private void WriteTokens(Utf8JsonWriter writer)
    {
        if (BosTokenId is { } bos) writer.WriteNumber("bos_token_id", bos);
        else writer.WriteNull("bos_token_id");
        writer.WritePropertyName("eos_token_id");
        if (EosTokenIds.Length == 0) writer.WriteNullValue();
        else if (EosTokenIds.Length == 1) writer.WriteNumberValue(EosTokenIds[0]);
        else JsonSerializer.Serialize(writer, EosTokenIds);
    }
}
