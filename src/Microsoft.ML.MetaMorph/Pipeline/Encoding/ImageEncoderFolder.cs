using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Image encoders as folders in Hugging Face layout: a SigLIP, its vision tower alone, or a MetaMorph that holds one.</summary>
internal static class ImageEncoderFolder
{
    private const string ConfigName = "config.json";

    /// <summary>Opens a folder; weights are read when they are first needed.</summary>
    public static ImageEncoderModel Open(string folder, ImageEncoderOptions options)
    {
        folder = PretrainedFolder.Resolve(folder);
        using JsonDocument config = ResponseModelFolder.ReadConfig(folder);
        ImageEncoderSettings settings = Settings(config.RootElement, folder, options);
        TensorArchive archive = CheckpointKeys.ForSiglip(TensorArchive.Open(folder));
        try
        {
            MemoryEstimate.Of(archive).Require();
            return new ImageEncoderModel(settings, device => new SiglipVisionModel(settings.Vision, new StoredParameters(archive, device)), archive);
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }

    /// <summary>Writes a folder that this and other libraries read.</summary>
    public static void Save(ImageEncoderModel model, string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, ConfigName), Config(model.Settings));
        File.WriteAllBytes(Path.Combine(folder, ImagePreprocessorConfig.FileName), SettingsJson.Bytes(model.Settings.Preprocessing.Write));
        SafeTensorsWriter.WriteSharded(folder, model.Parameters());
    }

    /// <summary>Writes the same files into a model zip.</summary>
    public static void Save(ImageEncoderModel model, ModelZipWriter zip)
    {
        zip.Write(ConfigName, stream => stream.Write(Config(model.Settings)));
        zip.Write(ImagePreprocessorConfig.FileName, stream => stream.Write(SettingsJson.Bytes(model.Settings.Preprocessing.Write)));
        ZipWeights.Write(zip, model.Parameters());
    }

    /// <summary>Opens the files in a model zip.</summary>
    public static ImageEncoderModel Open(ModelZipReader zip, string temporaryFolder, Precision precision)
    {
        using JsonDocument config = JsonDocument.Parse(zip.ReadText(ConfigName));
        using JsonDocument preprocessor = JsonDocument.Parse(zip.ReadText(ImagePreprocessorConfig.FileName));
        var settings = new ImageEncoderSettings(
            SiglipVisionConfig.FromJson(config.RootElement),
            ImagePreprocessorConfig.FromJson(preprocessor.RootElement, zip.Location),
            Tokens(config.RootElement, new ImageEncoderOptions()),
            precision);
        ZipWeights weights = ZipWeights.Open(zip, temporaryFolder);
        return new ImageEncoderModel(settings, device => new SiglipVisionModel(settings.Vision, new StoredParameters(weights.Archive, device)), weights);
    }

    private static ImageEncoderSettings Settings(JsonElement config, string folder, ImageEncoderOptions options)
    {
        bool metaMorph = config.TryGetProperty("model_type", out JsonElement type) && type.GetString()?.StartsWith(MetaMorphConfig.ModelTypePrefix, StringComparison.Ordinal) == true;
        if (metaMorph && !config.TryGetProperty("vision_config", out _))
            throw new InvalidDataException($"'{folder}' is a MetaMorph without a vision_config: its pictures were encoded by another model. Load that one's folder.");
        JsonElement vision = metaMorph ? config.GetProperty("vision_config") : config;
        ImagePreprocessorConfig preprocessing = ImagePreprocessorConfig.Load(folder);
        if (options.AspectRatio is { } ratio) preprocessing = preprocessing with { AspectRatio = ratio };
        return new ImageEncoderSettings(SiglipVisionConfig.FromJson(vision), preprocessing, Tokens(config, options), options.Precision);
    }

    // A folder that we or MetaMorph saved says how its tokens are made, in the published names.
    private static VisualTokenSettings Tokens(JsonElement config, ImageEncoderOptions options)
    {
        var paper = new VisualTokenSettings();
        string? reduction = options.TokenReduction ?? (config.TryGetProperty("image_token_reduction", out JsonElement kind) ? kind.GetString() : null);
        return new VisualTokenSettings(
            options.VisualTokenCount ?? (config.TryGetProperty("num_image_tokens", out JsonElement count) ? count.GetInt32() : paper.Count),
            reduction is null ? paper.Reduction : TokenReduction.Named(reduction),
            options.SelectLayer ?? (config.TryGetProperty("mm_vision_select_layer", out JsonElement layer) ? layer.GetInt32() : paper.SelectLayer),
            options.Normalize ?? (config.TryGetProperty("normalize_vision", out JsonElement unit) ? unit.GetBoolean() : paper.Normalize));
    }

    private static byte[] Config(ImageEncoderSettings settings)
    {
        byte[] published = SettingsJson.Bytes(settings.Vision.Write);
        using JsonDocument config = JsonDocument.Parse(published);
        return SettingsJson.Bytes(writer =>
        {
            writer.WriteStartObject();
            foreach (JsonProperty property in config.RootElement.EnumerateObject()) property.WriteTo(writer);
            writer.WriteNumber("num_image_tokens", settings.Tokens.Count);
            writer.WriteString("image_token_reduction", TokenReduction.NameOf(settings.Tokens.Reduction));
            writer.WriteNumber("mm_vision_select_layer", settings.Tokens.SelectLayer);
            writer.WriteBoolean("normalize_vision", settings.Tokens.Normalize);
            writer.WriteEndObject();
        });
    }
}
