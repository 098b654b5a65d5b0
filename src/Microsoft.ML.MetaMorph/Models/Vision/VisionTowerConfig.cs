using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>What the configurations of both kinds of vision tower share: pictures of one size, and pictures that keep their shape.</summary>
internal abstract record VisionTowerConfig : SiglipEncoderConfig
{
    protected VisionTowerConfig()
    {
    }

    /// <summary>Takes over the shared keys of a <c>config.json</c>.</summary>
    protected VisionTowerConfig(JsonElement json)
        : base(json)
    {
        Channels = ConfigJson.Size(json, "num_channels", Channels);
        UseHead = ConfigJson.Flag(json, "vision_use_head", UseHead);
    }

    /// <summary><c>num_channels</c>.</summary>
    public int Channels { get; init; } = 3;

    /// <summary>Whether there is an attention pooling head, <c>vision_use_head</c>.</summary>
    public bool UseHead { get; init; } = true;

    /// <summary>The patches of every picture; null where pictures keep their shape and have unlike numbers.</summary>
    public abstract int? FixedPatchCount { get; }

    /// <summary>Writes the config as one object, in the published layout.</summary>
    public abstract void Write(Utf8JsonWriter writer);
}
