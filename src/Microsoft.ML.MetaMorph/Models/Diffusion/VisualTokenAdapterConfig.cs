using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The shape of the adapter that turns visual tokens into a UNet's condition: the published <c>model_config.json</c>, with options of our own.</summary>
internal sealed record VisualTokenAdapterConfig
{
    public const string Mlp = "mlp", CrossAttention = "xattn", CrossAttentionFeedForward = "xattnffn";

    /// <summary>The number of positions of Stable Diffusion's text encoder, to which visual tokens are padded.</summary>
    public const int PublishedConditionLength = 77;

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        "input_dim", "hidden_dim", "output_dim", "num_tokens", "num_layers", "num_heads", "mode", "model_type",
        "condition_length", "token_positions", "grid_channels", "grid_scale",
    };

    /// <summary>The width of a visual token, <c>input_dim</c>.</summary>
    public int InputWidth { get; init; } = 1152;

    /// <summary>The width between the layers of mode <c>mlp</c>, <c>hidden_dim</c>.</summary>
    public int HiddenWidth { get; init; } = 2048;

    /// <summary>The width of a conditioning vector, <c>output_dim</c>.</summary>
    public int OutputWidth { get; init; } = 768;

    /// <summary><c>num_tokens</c>: visual tokens a picture in mode <c>mlp</c>, learned queries in the other modes.</summary>
    public int TokenCount { get; init; } = 64;

    /// <summary>Layers, <c>num_layers</c>.</summary>
    public int Layers { get; init; } = 2;

    /// <summary>Attention heads of the modes with queries, <c>num_heads</c>.</summary>
    public int Heads { get; init; } = 8;

    /// <summary><c>mlp</c>, <c>xattn</c> or <c>xattnffn</c>.</summary>
    public string Mode { get; init; } = Mlp;

    /// <summary>Positions of the condition: fewer vectors are followed by zeros. Ours, <c>condition_length</c>; the published models have 77.</summary>
    public int ConditionLength { get; init; } = PublishedConditionLength;

    /// <summary>A learned vector is added to each conditioning vector, so that attention can tell places apart. Ours, <c>token_positions</c>.</summary>
    public bool TokenPositions { get; init; }

    /// <summary>Channels of the token grid that is joined to the UNet's input; 0 means none. Ours, <c>grid_channels</c>.</summary>
    public int GridChannels { get; init; }

    /// <summary>
    /// Places along each side of the grid that one token becomes, each by weights of its own: what stands there is spread out to how it looks.
    /// Ours, <c>grid_scale</c>.
    /// </summary>
    public int GridScale { get; init; } = 1;

    /// <summary>Visual tokens a picture: the number that it was trained with, or null where the layout does not tell it (<see cref="MostTokens"/>).</summary>
    /// <remarks>
    /// Published adapters of mode <c>mlp</c> have either this number in <c>num_tokens</c> or the length that conditions are padded to, which only says
    /// that there are no more. In the modes with queries <c>num_tokens</c> counts the queries, which look at any number of tokens.
    /// </remarks>
    public int? ExactTokens => GridChannels > 0 || TokenPositions || (Mode == Mlp && TokenCount != ConditionLength) ? TokenCount : null;

    /// <summary>The most visual tokens that a picture can have; null where any number is possible.</summary>
    public int? MostTokens => ExactTokens ?? (Mode == Mlp ? ConditionLength : null);

    /// <summary>The number of visual tokens a picture, for messages.</summary>
    public string TokensInWords => (ExactTokens, MostTokens) switch
    {
        ({ } exact, _) => FormattableString.Invariant($"{exact}"),
        (null, { } most) => FormattableString.Invariant($"at most {most}"),
        _ => "any number of",
    };

    /// <summary>Whether pictures may have so many visual tokens.</summary>
    public bool Takes(long count) => count >= 1 && count == (ExactTokens ?? count) && count <= (MostTokens ?? count);

    /// <summary>Which values a file gave, for messages.</summary>
    public ConfigKeys Keys { get; init; } = ConfigKeys.All;

    /// <summary>Reads the published layout.</summary>
    /// <exception cref="NotSupportedException">A mode or an entry that this library does not know, by name.</exception>
    /// <exception cref="InvalidDataException">A value is unusable, or two do not fit.</exception>
    public static VisualTokenAdapterConfig FromJson(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new InvalidDataException("model_config.json: the configuration of a visual token adapter must be an object.");
        foreach (JsonProperty entry in json.EnumerateObject())
        {
            if (!entry.Name.StartsWith('_') && !Known.Contains(entry.Name) && entry.Value.ValueKind != JsonValueKind.Null)
                throw new NotSupportedException($"model_config.json: the visual token adapter has no option '{entry.Name}' (= {entry.Value.GetRawText()}) that this library knows; it may change the result.");
        }
        var absent = new VisualTokenAdapterConfig();
        var config = new VisualTokenAdapterConfig
        {
            Keys = ConfigKeys.Of(json),
            InputWidth = ConfigJson.Size(json, "input_dim", absent.InputWidth),
            HiddenWidth = ConfigJson.Size(json, "hidden_dim", absent.HiddenWidth),
            OutputWidth = ConfigJson.Size(json, "output_dim", absent.OutputWidth),
            TokenCount = ConfigJson.Size(json, "num_tokens", absent.TokenCount),
            Layers = ConfigJson.Size(json, "num_layers", absent.Layers),
            Heads = ConfigJson.Size(json, "num_heads", absent.Heads),
            Mode = ConfigJson.Text(json, "mode") ?? absent.Mode,
            ConditionLength = ConfigJson.Size(json, "condition_length", absent.ConditionLength),
            TokenPositions = ConfigJson.Flag(json, "token_positions", absent: false),
            GridChannels = ConfigJson.Integer(json, "grid_channels", 0),
            GridScale = ConfigJson.Size(json, "grid_scale", 1),
        };
        config.Validate();
        return config;
    }

    /// <summary>The config of an adapter of mode <c>mlp</c> whose weights came without one.</summary>
    /// <param name="archive">Its weights, under the published names.</param>
    /// <exception cref="InvalidDataException">They are of another mode, whose heads the weights do not tell.</exception>
    public static VisualTokenAdapterConfig FromWeights(TensorArchive archive)
    {
        long[][] shapes = [.. Enumerable.Range(0, int.MaxValue).Select(i => archive.Tensors.GetValueOrDefault($"layers.{i.ToString(System.Globalization.CultureInfo.InvariantCulture)}.weight")).TakeWhile(t => t is not null).Select(t => t!.Shape)];
        if (shapes.Length == 0 || shapes.Any(s => s.Length != 2))
            throw new InvalidDataException($"'{archive.Location}' holds no adapter of mode mlp (layers.0.weight, layers.1.weight, …); for another mode its model_config.json is needed.");
        return new VisualTokenAdapterConfig
        {
            InputWidth = (int)shapes[0][1],
            HiddenWidth = (int)shapes[0][0],
            OutputWidth = (int)shapes[^1][0],
            Layers = shapes.Length,
            TokenCount = PublishedConditionLength,
        };
    }

    /// <summary>Writes the config as one object; published adapters in the published layout.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteNumber("input_dim", InputWidth);
        writer.WriteNumber("hidden_dim", HiddenWidth);
        writer.WriteNumber("output_dim", OutputWidth);
        writer.WriteNumber("num_tokens", TokenCount);
        writer.WriteNumber("num_layers", Layers);
        writer.WriteNumber("num_heads", Heads);
        writer.WriteString("mode", Mode);
        if (ConditionLength != PublishedConditionLength) writer.WriteNumber("condition_length", ConditionLength);
        if (TokenPositions) writer.WriteBoolean("token_positions", true);
        if (GridChannels > 0) writer.WriteNumber("grid_channels", GridChannels);
        if (GridScale > 1) writer.WriteNumber("grid_scale", GridScale);
        writer.WriteEndObject();
    }

    /// <summary>What stands behind an error of sizes that the file does not give; empty where it gives all.</summary>
    public string AbsentSizes => Keys.Sentence("The adapter's configuration", ("input_dim", InputWidth), ("hidden_dim", HiddenWidth), ("output_dim", OutputWidth), ("num_tokens", TokenCount), ("num_layers", Layers));

    /// <summary>Checks what the adapter relies on.</summary>
    /// <exception cref="NotSupportedException">An unknown mode.</exception>
    /// <exception cref="InvalidDataException">A number does not fit another; both are named.</exception>
    public void Validate()
    {
        if (Mode is not (Mlp or CrossAttention or CrossAttentionFeedForward))
            throw new NotSupportedException($"model_config.json: the adapter mode \"{Mode}\" is not supported. Supported: {Mlp}, {CrossAttention}, {CrossAttentionFeedForward}.");
        if (Mode != Mlp && OutputWidth % Heads != 0) throw new InvalidDataException($"model_config.json: output_dim {OutputWidth}{Keys.Note("output_dim")} is not a multiple of num_heads {Heads}{Keys.Note("num_heads")}.");
        if (GridChannels < 0) throw new InvalidDataException($"model_config.json: grid_channels is {GridChannels}; it must be 0 or above.");
        if (GridScale < 1 || (GridScale > 1 && GridChannels == 0)) throw new InvalidDataException($"model_config.json: grid_scale is {GridScale} with grid_channels {GridChannels}; it must be 1, or above 1 with channels.");
        if (Mode != Mlp && (GridChannels > 0 || TokenPositions)) throw new InvalidDataException($"model_config.json: grid_channels and token_positions need mode {Mlp}, in which num_tokens is the number of visual tokens; the mode is {Mode}.");
        if (GridChannels > 0 && GridSide == 0) throw new InvalidDataException($"model_config.json: {TokenCount} tokens ({Keys.Named("num_tokens")}) form no square grid; grid_channels needs a square number (16, 64, …).");
    }

    /// <summary>The side of the grid of visual tokens; 0 where they form none.</summary>
    public int GridSide => SquareGrid.SideOf(TokenCount) ?? 0;
}
