using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The sizes of a SigLIP 2 NaFlex vision tower (arXiv 2502.14786): pictures keep their shape and come as a list of patches.</summary>
internal sealed record Siglip2VisionConfig : VisionTowerConfig
{
    public Siglip2VisionConfig()
    {
    }

    private Siglip2VisionConfig(JsonElement json)
        : base(json)
    {
        PositionCount = ConfigJson.Size(json, "num_patches", PositionCount);
        PatchSize = ConfigJson.Size(json, "patch_size", PatchSize);
        Check();
    }

    /// <summary>Entries of the square position table, which is resized to each picture's grid; <c>num_patches</c>.</summary>
    public int PositionCount { get; init; } = 256;

    /// <summary><c>patch_size</c>.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Rows and columns of the position table.</summary>
    public int PositionGridSize => (int)Math.Sqrt(PositionCount);

    /// <summary>Numbers in a patch: rows, columns, channels, the channel fastest.</summary>
    public int PatchWidth => PatchSize * PatchSize * Channels;

    public override int? FixedPatchCount => null;

    public override string AbsentSizes => Keys.Sentence("config.json", [.. SharedSizes, ("num_patches", PositionCount), ("patch_size", PatchSize)]);

    /// <summary>Reads a flat vision config, or the <c>vision_config</c> of a whole SigLIP 2.</summary>
    /// <exception cref="InvalidDataException">It is not the config of a SigLIP 2, or a value is unusable.</exception>
    public static Siglip2VisionConfig FromJson(JsonElement json)
    {
        JsonElement section = ConfigJson.Section(json, "vision_config") ?? json;
        return (ConfigJson.Text(section, "model_type") ?? "") switch
        {
            "" or "siglip2_vision_model" => new(section),
            "siglip2" => new() { Keys = ConfigKeys.None },
            string other => throw new InvalidDataException($"model_type \"{other}\" is not a SigLIP 2 NaFlex vision tower (\"siglip2_vision_model\", or \"siglip2\" with a vision_config)."),
        };
    }

    public override void Check()
    {
        base.Check();
        if (PositionGridSize * PositionGridSize != PositionCount) throw new InvalidDataException($"num_patches {PositionCount}{Keys.Note("num_patches")} is not a square number: the position table is a square grid.");
    }

    public override void Write(Utf8JsonWriter writer) => Write(writer, "Siglip2VisionModel", "siglip2_vision_model", () =>
    {
        writer.WriteNumber("num_patches", PositionCount);
        writer.WriteNumber("patch_size", PatchSize);
        writer.WriteNumber("num_channels", Channels);
        if (!UseHead) writer.WriteBoolean("vision_use_head", false);
    });
}
