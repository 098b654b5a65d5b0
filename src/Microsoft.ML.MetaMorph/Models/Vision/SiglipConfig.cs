using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>A whole SigLIP: both towers.</summary>
internal sealed record SiglipConfig(SiglipVisionConfig Vision, SiglipTextConfig Text)
{
    /// <summary>Reads the config of a whole SigLIP.</summary>
    /// <exception cref="InvalidDataException">It is something else, or a value is unusable.</exception>
    public static SiglipConfig FromJson(JsonElement json)
    {
        string type = ConfigJson.Text(json, "model_type") ?? "siglip";
        if (type != "siglip") throw new InvalidDataException($"model_type \"{type}\" is not a whole SigLIP (\"siglip\").");
        var config = new SiglipConfig(
            ConfigJson.Section(json, "vision_config") is { } vision ? SiglipVisionConfig.FromJson(vision) : new() { Keys = ConfigKeys.None },
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
        ConfigJson.WriteModel(writer, "SiglipModel", "siglip");
        writer.WritePropertyName("vision_config");
        Vision.Write(writer);
        writer.WritePropertyName("text_config");
        Text.Write(writer);
        writer.WriteEndObject();
    }
}
