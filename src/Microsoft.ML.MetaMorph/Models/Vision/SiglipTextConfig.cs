using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The sizes of a SigLIP text tower, as in the published <c>config.json</c>.</summary>
internal sealed record SiglipTextConfig : SiglipEncoderConfig
{
    public SiglipTextConfig()
    {
    }

    private SiglipTextConfig(JsonElement json)
        : base(json)
    {
        VocabularySize = ConfigJson.Size(json, "vocab_size", VocabularySize);
        MaxPositions = ConfigJson.Size(json, "max_position_embeddings", MaxPositions);
        ProjectionSize = ConfigJson.Size(json, "projection_size", HiddenSize);
        Check();
    }

    /// <summary><c>vocab_size</c>.</summary>
    public int VocabularySize { get; init; } = 32000;

    /// <summary>The longest text in tokens, <c>max_position_embeddings</c>. The published towers were trained with every text padded to it.</summary>
    public int MaxPositions { get; init; } = 64;

    /// <summary>The width of the pooled text, <c>projection_size</c>.</summary>
    public int ProjectionSize { get; init; } = 768;

    public override string AbsentSizes => Keys.Sentence("config.json", [.. SharedSizes, ("vocab_size", VocabularySize), ("max_position_embeddings", MaxPositions)]);

    /// <summary>Reads a flat text config, or the <c>text_config</c> of a whole SigLIP.</summary>
    /// <exception cref="InvalidDataException">It is not the config of a SigLIP, or a value is unusable.</exception>
    public static SiglipTextConfig FromJson(JsonElement json)
    {
        JsonElement section = ConfigJson.Section(json, "text_config") ?? json;
        return (ConfigJson.Text(section, "model_type") ?? "") switch
        {
            "" or "siglip_text_model" or "siglip2_text_model" => new(section),
            "siglip" or "siglip2" => new() { Keys = ConfigKeys.None },         // a whole SigLIP that names no text_config has the default one
            string other => throw new InvalidDataException($"model_type \"{other}\" is not a SigLIP text tower (\"siglip_text_model\", or \"siglip\" with a text_config)."),
        };
    }

    /// <summary>Writes the config as one object, in the published layout.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="modelType">What it calls itself: NaFlex has a name of its own.</param>
    public void Write(Utf8JsonWriter writer, string modelType = "siglip_text_model") => Write(writer, architecture: null, modelType, () =>
    {
        writer.WriteNumber("vocab_size", VocabularySize);
        writer.WriteNumber("max_position_embeddings", MaxPositions);
        writer.WriteNumber("projection_size", ProjectionSize);
    });
}
