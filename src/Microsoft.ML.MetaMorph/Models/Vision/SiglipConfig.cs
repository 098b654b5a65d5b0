using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>A whole SigLIP, or SigLIP 2: both towers. Checkpoints of SigLIP 2 with one picture size call themselves <c>siglip</c>, NaFlex alone is <c>siglip2</c>.</summary>
internal sealed record SiglipConfig(VisionTowerConfig Vision, SiglipTextConfig Text)
{
    private const string Naflex = "siglip2";

    /// <summary>Reads the config of a whole SigLIP.</summary>
    /// <exception cref="InvalidDataException">It is something else, or a value is unusable.</exception>
    public static SiglipConfig FromJson(JsonElement json)
    {
        string type = ConfigJson.Text(json, "model_type") ?? "siglip";
        if (type is not ("siglip" or Naflex)) throw new InvalidDataException($"model_type \"{type}\" is not a whole SigLIP (\"siglip\", or \"siglip2\" where pictures keep their shape): it has no text tower.");
        var config = new SiglipConfig(
            type == Naflex ? Siglip2VisionConfig.FromJson(json) : SiglipVisionConfig.FromJson(json),
            ConfigJson.Section(json, "text_config") is { } text ? SiglipTextConfig.FromJson(text) : new() { Keys = ConfigKeys.None });
        config.Check();
        return config;
    }

    /// <exception cref="InvalidDataException">The towers do not meet in one space.</exception>
    public void Check()
    {
        Vision.Check();
        Text.Check();
        if (Vision.HiddenSize != Text.ProjectionSize)
            throw new InvalidDataException($"The vision tower pools to hidden_size {Vision.HiddenSize}{Vision.Keys.Note("hidden_size")}, the text tower to projection_size {Text.ProjectionSize}{Text.Keys.Note("projection_size")}; they must be equal to be compared.");
    }

    /// <summary>Writes the config as one object, in the published layout.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        bool naflex = Vision is Siglip2VisionConfig;
        ConfigJson.WriteModel(writer, naflex ? "Siglip2Model" : "SiglipModel", naflex ? Naflex : "siglip");
        writer.WritePropertyName("vision_config");
        Vision.Write(writer);
        writer.WritePropertyName("text_config");
        Text.Write(writer, naflex ? "siglip2_text_model" : "siglip_text_model");
        writer.WriteEndObject();
    }
}
