using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The shape of a MetaMorph model, in the published layout: the language model's entries with those of projector, head and images beside them.</summary>
internal sealed record MetaMorphConfig
{
    /// <summary><c>metamorph_llama</c>, <c>metamorph_qwen2</c>, …</summary>
    public const string ModelTypePrefix = "metamorph_";

    public required LanguageModelConfig Language { get; init; }

    /// <summary>The vision tower whose patches become visual tokens; null if they come from elsewhere.</summary>
    public SiglipVisionConfig? Vision { get; init; }

    /// <summary>The width of a visual token.</summary>
    public required int VisualTokenWidth { get; init; }

    /// <summary>Visual tokens an image.</summary>
    public required int VisualTokenCount { get; init; }

    /// <summary>Which projector: <c>linear</c>, <c>mlpNx_gelu</c> or <c>identity</c>.</summary>
    public string Projector { get; init; } = "mlp2x_gelu";

    /// <summary>Which vision head: <c>linear</c>, <c>mlp</c> or <c>mlp2x_gelu</c>.</summary>
    public string VisionHead { get; init; } = "mlp";

    /// <summary>Visual tokens are unit vectors: the head's output is normalised, and the loss is a cosine.</summary>
    public bool NormalizeVision { get; init; } = true;

    public required int ImageStartId { get; init; }

    public required int ImageEndId { get; init; }

    /// <summary>How a grid of patches becomes <see cref="VisualTokenCount"/> tokens.</summary>
    public TokenReductionKind TokenReduction { get; init; } = TokenReductionKind.Interpolation;

    /// <summary>The hidden state of the vision tower that becomes tokens; −1 is the last block's.</summary>
    public int VisionSelectLayer { get; init; } = -1;

    /// <summary>The weight of the visual loss.</summary>
    public double VisionCoefficient { get; init; } = 1;

    /// <summary>Which values a file gave, for messages.</summary>
    public ConfigKeys Keys { get; init; } = ConfigKeys.All;

    /// <summary>How visual tokens are made of patches.</summary>
    public VisualTokenSettings VisualTokens => new(VisualTokenCount, TokenReduction, VisionSelectLayer, NormalizeVision);

    /// <summary>Reads the published layout.</summary>
    /// <param name="json">The root of <c>config.json</c>.</param>
    /// <param name="imageStartId">Used where the file does not name the token.</param>
    /// <param name="imageEndId">Used where the file does not name the token.</param>
    /// <exception cref="NotSupportedException">A connector that this library does not compute, by name.</exception>
    /// <exception cref="InvalidDataException">A key is missing or out of range.</exception>
    public static MetaMorphConfig FromJson(JsonElement json, int? imageStartId = null, int? imageEndId = null)
    {
        string feature = ConfigJson.Text(json, "mm_vision_select_feature") ?? "patch";
        if (feature != "patch") throw new NotSupportedException($"mm_vision_select_feature '{feature}' is not supported; SigLIP has patches only.");
        var config = new MetaMorphConfig
        {
            Keys = ConfigKeys.Of(json),
            Language = LanguageModelConfig.FromJson(json),
            Vision = ConfigJson.Section(json, "vision_config") is { } vision ? SiglipVisionConfig.FromJson(vision) : null,
            VisualTokenWidth = ConfigJson.Size(json, "mm_hidden_size"),
            VisualTokenCount = ConfigJson.Size(json, "num_image_tokens", 64),
            Projector = ConfigJson.Text(json, "mm_projector_type") ?? "linear",
            VisionHead = ConfigJson.Text(json, "vision_head_type") ?? "mlp",
            NormalizeVision = ConfigJson.Flag(json, "normalize_vision", absent: true),
            ImageStartId = ConfigJson.Integer(json, "image_start_token_id", imageStartId),
            ImageEndId = ConfigJson.Integer(json, "image_end_token_id", imageEndId),
            TokenReduction = Microsoft.ML.MetaMorph.TokenReduction.Named(ConfigJson.Text(json, "image_token_reduction") ?? "none"),
            VisionSelectLayer = ConfigJson.Integer(json, "mm_vision_select_layer", -1),
            VisionCoefficient = ConfigJson.Number(json, "vision_coef", 1),
        };
        config.Validate();
        return config;
    }

    /// <summary>Writes the whole <c>config.json</c> object.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        ConfigJson.WriteModel(writer, $"MetaMorph{char.ToUpperInvariant(Language.ModelType[0])}{Language.ModelType[1..]}ForCausalLM", ModelTypePrefix + Language.ModelType);
        Language.WriteEntries(writer);
        writer.WriteNumber("mm_hidden_size", VisualTokenWidth);
        writer.WriteNumber("num_image_tokens", VisualTokenCount);
        writer.WriteString("mm_projector_type", Projector);
        writer.WriteString("vision_head_type", VisionHead);
        writer.WriteBoolean("normalize_vision", NormalizeVision);
        writer.WriteNumber("image_start_token_id", ImageStartId);
        writer.WriteNumber("image_end_token_id", ImageEndId);
        writer.WriteString("image_token_reduction", Microsoft.ML.MetaMorph.TokenReduction.NameOf(TokenReduction));
        writer.WriteString("mm_vision_select_feature", "patch");
        writer.WriteNumber("mm_vision_select_layer", VisionSelectLayer);
        writer.WriteBoolean("mm_use_im_start_end", true);
        writer.WriteBoolean("mm_use_im_patch_token", false);
        writer.WriteBoolean("use_vision_ar", true);
        writer.WriteBoolean("freeze_vision", true);
        writer.WriteNumber("vision_coef", VisionCoefficient);
        if (Vision is { } vision)
        {
            writer.WritePropertyName("vision_config");
            vision.Write(writer);
        }
        writer.WriteEndObject();
    }

    /// <summary>What stands behind an error of weights that do not fit; empty where the file gives all that they depend on.</summary>
    public string AbsentSizes => Language.Keys.Sentence("config.json", [.. Language.Sizes, .. Keys == ConfigKeys.All ? Array.Empty<(string, object)>() : [("mm_projector_type", Projector), ("vision_head_type", VisionHead)]]);

    /// <summary>Checks what the model relies on.</summary>
    /// <exception cref="NotSupportedException">A connector that this library does not compute, by name.</exception>
    /// <exception cref="InvalidDataException">A number does not fit another; both are named.</exception>
    public void Validate()
    {
        Language.Validate();
        Microsoft.ML.MetaMorph.Projector.LayerCount(Projector);
        Microsoft.ML.MetaMorph.VisionHead.LayerCount(VisionHead);
        if (Projector == Microsoft.ML.MetaMorph.Projector.Identity && VisualTokenWidth != Language.HiddenSize)
            throw new InvalidDataException($"the identity projector needs mm_hidden_size ({VisualTokenWidth}) = hidden_size ({Language.HiddenSize}).");
        if (Vision is { } vision && Microsoft.ML.MetaMorph.TokenReduction.TokenWidth(TokenReduction, vision.HiddenSize) != VisualTokenWidth)
            throw new InvalidDataException($"mm_hidden_size is {VisualTokenWidth}, but a vision tower of width {vision.HiddenSize} ({vision.Keys.Named("hidden_size")}) with {TokenReduction} makes tokens of width {Microsoft.ML.MetaMorph.TokenReduction.TokenWidth(TokenReduction, vision.HiddenSize)}.");
        if (VisualTokenWidth < 1 || VisualTokenCount < 1) throw new InvalidDataException($"Visual tokens of width {VisualTokenWidth}, {VisualTokenCount} an image: both must be above zero.");
        if (VisualTokenCount > VisualTokenSettings.MaximumCount)
            throw new InvalidDataException($"num_image_tokens is {VisualTokenCount}; it must be at most {VisualTokenSettings.MaximumCount}.");
        if ((long)VisualTokenCount * VisualTokenWidth > Array.MaxLength)
            throw new InvalidDataException($"num_image_tokens is {VisualTokenCount} and mm_hidden_size {VisualTokenWidth}: {(long)VisualTokenCount * VisualTokenWidth} values a picture, of which at most {Array.MaxLength} can be held.");
        if (ImageStartId == ImageEndId) throw new InvalidDataException($"image_start_token_id and image_end_token_id are both {ImageStartId}.");
        foreach (int id in (int[])[ImageStartId, ImageEndId])
        {
            if (id < 0 || id >= Language.VocabularySize) throw new InvalidDataException($"the image token {id} lies outside the vocabulary of {Language.VocabularySize} tokens.");
        }
    }
}
