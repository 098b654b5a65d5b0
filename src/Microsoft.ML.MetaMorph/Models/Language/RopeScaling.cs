using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>How rotary frequencies are stretched beyond the length of pre-training.</summary>
internal enum RopeScalingKind
{
    Linear,
    Llama3,
}

/// <summary>The <c>rope_scaling</c> (or <c>rope_parameters</c>) entry of a published configuration.</summary>
/// <param name="Kind">Linear (every frequency divided by the factor) or Llama 3 (only the slow ones).</param>
/// <param name="Factor">The stretch.</param>
/// <param name="LowFrequencyFactor">Llama 3: wavelengths above original length / this are stretched in full.</param>
/// <param name="HighFrequencyFactor">Llama 3: wavelengths below original length / this are left alone.</param>
/// <param name="OriginalMaxPositions">Llama 3: the length of pre-training.</param>
internal sealed record RopeScaling(RopeScalingKind Kind, double Factor, double LowFrequencyFactor = 1, double HighFrequencyFactor = 4, int OriginalMaxPositions = 8192)
{
    /// <summary>Null where nothing is scaled (absent, null or <c>default</c>).</summary>
    /// <exception cref="NotSupportedException">A kind that this library does not compute.</exception>
    public static RopeScaling? FromJson(JsonElement config)
    {
        if ((ConfigJson.Section(config, "rope_scaling") ?? ConfigJson.Section(config, "rope_parameters")) is not { } scaling) return null;
        string kind = ConfigJson.Text(scaling, "rope_type") ?? ConfigJson.Text(scaling, "type") ?? "default";
        return kind switch
        {
            "default" => null,
            "linear" => new RopeScaling(RopeScalingKind.Linear, ConfigJson.Number(scaling, "factor")),
            "llama3" => new RopeScaling(RopeScalingKind.Llama3, ConfigJson.Number(scaling, "factor"), ConfigJson.Number(scaling, "low_freq_factor"),
                ConfigJson.Number(scaling, "high_freq_factor"), ConfigJson.Size(scaling, "original_max_position_embeddings")),
            _ => throw new NotSupportedException($"rope_scaling: the kind '{kind}' is not supported. Supported: default, linear, llama3."),
        };
    }

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("rope_type", Kind == RopeScalingKind.Linear ? "linear" : "llama3");
        writer.WriteNumber("factor", Factor);
        if (Kind == RopeScalingKind.Llama3)
        {
            writer.WriteNumber("low_freq_factor", LowFrequencyFactor);
            writer.WriteNumber("high_freq_factor", HighFrequencyFactor);
            writer.WriteNumber("original_max_position_embeddings", OriginalMaxPositions);
        }
        writer.WriteEndObject();
    }
}
