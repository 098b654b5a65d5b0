using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The sizes of a SigLIP vision tower (arXiv 2303.15343), as in the published <c>config.json</c>.</summary>
internal sealed record SiglipVisionConfig : VisionTowerConfig
{
    public SiglipVisionConfig()
    {
    }

    private SiglipVisionConfig(JsonElement json)
        : base(json)
    {
        ImageSize = ConfigJson.Size(json, "image_size", ImageSize);
        PatchSize = ConfigJson.Size(json, "patch_size", PatchSize);
        Check();
    }

    /// <summary>Height and width of a picture in pixels, <c>image_size</c>.</summary>
    public int ImageSize { get; init; } = 224;

    /// <summary>Height and width of a patch in pixels, <c>patch_size</c>. What is left over at the right and below is not seen.</summary>
    public int PatchSize { get; init; } = 16;

    /// <summary>Patches in a row.</summary>
    public int GridSize => ImageSize / PatchSize;

    /// <summary>All patches of a picture.</summary>
    public int PatchCount => GridSize * GridSize;

    public override int? FixedPatchCount => PatchCount;

    public override string AbsentSizes => Keys.Sentence("config.json", [.. SharedSizes, ("image_size", ImageSize), ("patch_size", PatchSize)]);

    /// <summary>Reads a flat vision config, or the <c>vision_config</c> of a whole SigLIP.</summary>
    /// <exception cref="InvalidDataException">It is not the config of a SigLIP with fixed-size pictures, or a value is unusable.</exception>
    public static SiglipVisionConfig FromJson(JsonElement json)
    {
        JsonElement section = ConfigJson.Section(json, "vision_config") ?? json;
        string type = ConfigJson.Text(section, "model_type") ?? "";
        if (type is "" or "siglip_vision_model") return new(section);
        if (type == "siglip") return new() { Keys = ConfigKeys.None };        // a whole SigLIP that names no vision_config has the default one
        throw new InvalidDataException($"model_type \"{type}\" is not a SigLIP vision tower (\"siglip_vision_model\", or \"siglip\" with a vision_config)."
            + (type.StartsWith("siglip2", StringComparison.Ordinal) ? " Pictures of variable size (SigLIP 2 NaFlex) need Siglip2VisionConfig." : ""));
    }

    public override void Check()
    {
        base.Check();
        if (PatchSize > ImageSize) throw new InvalidDataException($"patch_size {PatchSize}{Keys.Note("patch_size")} is larger than image_size {ImageSize}{Keys.Note("image_size")}.");
    }

    public override void Write(Utf8JsonWriter writer) => Write(writer, "SiglipVisionModel", "siglip_vision_model", () =>
    {
        writer.WriteNumber("image_size", ImageSize);
        writer.WriteNumber("patch_size", PatchSize);
        writer.WriteNumber("num_channels", Channels);
        if (!UseHead) writer.WriteBoolean("vision_use_head", false);
    });
}
