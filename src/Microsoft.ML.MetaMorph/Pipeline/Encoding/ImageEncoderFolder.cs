using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Image encoders as folders in Hugging Face layout: a SigLIP, a SigLIP 2, a vision tower alone, or a MetaMorph that holds one.</summary>
internal static class ImageEncoderFolder
{
    private const string ConfigName = "config.json";

    /// <summary>Opens a folder; weights are read when they are first needed.</summary>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is.</exception>
    public static ImageEncoderModel Open(string folder, ImageEncoderOptions options)
    {
        folder = PretrainedFolder.Resolve(folder);
        using JsonDocument config = ResponseModelFolder.ReadConfig(folder);
        ImageEncoderSettings settings = Settings(config.RootElement, folder, options);
        TensorArchive archive = CheckpointKeys.ForSiglip(TensorArchive.Open(folder));
        return Build(settings, archive, archive);
    }

    /// <summary>Writes a folder that this and other libraries read.</summary>
    public static void Save(ImageEncoderModel model, string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, ConfigName), Config(model.Settings));
        File.WriteAllBytes(Path.Combine(folder, ImagePreprocessorConfig.FileName), JsonFile.Bytes(model.Settings.Preprocessing.Write));
        SafeTensorsWriter.WriteSharded(folder, model.Parameters());
    }

    /// <summary>Writes the same files into a model zip.</summary>
    public static void Save(ImageEncoderModel model, ModelZipWriter zip)
    {
        zip.Write(ConfigName, stream => stream.Write(Config(model.Settings)));
        zip.Write(ImagePreprocessorConfig.FileName, stream => stream.Write(JsonFile.Bytes(model.Settings.Preprocessing.Write)));
        ZipWeights.Write(zip, model.Parameters());
    }

    /// <summary>Opens the files in a model zip.</summary>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is.</exception>
    public static ImageEncoderModel Open(ModelZipReader zip, string temporaryFolder, Precision precision, string? trainedIn)
    {
        using JsonDocument config = zip.ReadJson(ConfigName);
        using JsonDocument preprocessor = zip.ReadJson(ImagePreprocessorConfig.FileName);
        var settings = new ImageEncoderSettings(
            Vision(config.RootElement),
            ImagePreprocessorConfig.FromJson(preprocessor.RootElement, zip.NameOf(ImagePreprocessorConfig.FileName)),
            Tokens(config.RootElement, new ImageEncoderOptions()),
            precision,
            trainedIn);
        ZipWeights weights = ZipWeights.Open(zip, temporaryFolder);
        return Build(settings, weights.Archive, weights);
    }

    /// <summary>Whether a config describes a tower whose pictures keep their shape (SigLIP 2 NaFlex).</summary>
    public static bool IsNaflex(JsonElement config)
    {
        JsonElement section = ConfigJson.TryGet(config, "vision_config", out JsonElement inner) ? inner : config;
        string? type = ConfigJson.Text(section, "model_type") ?? ConfigJson.Text(config, "model_type");
        return type?.StartsWith("siglip2", StringComparison.Ordinal) == true;
    }

    private static ImageEncoderModel Build(ImageEncoderSettings settings, TensorArchive archive, IDisposable storage)
    {
        try
        {
            MemoryEstimate.Of(archive).Require();
            return new ImageEncoderModel(settings, device => new StoredParameters(archive, device), storage);
        }
        catch
        {
            storage.Dispose();
            throw;
        }
    }

    private static ImageEncoderSettings Settings(JsonElement config, string folder, ImageEncoderOptions options)
    {
        bool metaMorph = config.TryGetProperty("model_type", out JsonElement type) && type.GetString()?.StartsWith(MetaMorphConfig.ModelTypePrefix, StringComparison.Ordinal) == true;
        if (metaMorph && !config.TryGetProperty("vision_config", out _))
            throw new InvalidDataException($"'{folder}' is a MetaMorph without a vision_config: its pictures were encoded by another model. Load that one's folder.");
        SiglipEncoderConfig vision = Vision(metaMorph ? config.GetProperty("vision_config") : config);
        return new ImageEncoderSettings(vision, Preprocessing(folder, options), Tokens(config, options), options.Precision);
    }

    private static SiglipEncoderConfig Vision(JsonElement config) => IsNaflex(config) ? Siglip2VisionConfig.FromJson(config) : SiglipVisionConfig.FromJson(config);

    private static ImagePreprocessorConfig Preprocessing(string folder, ImageEncoderOptions options)
    {
        ImagePreprocessorConfig stored = ImagePreprocessorConfig.Load(folder);
        if (options.AspectRatio is { } ratio)
            stored = !stored.Naflex ? stored with { AspectRatio = ratio } : throw new ArgumentException($"{nameof(options.AspectRatio)} is {ratio}, but the pictures of '{folder}' keep their shape (SigLIP 2 NaFlex). Leave the option away.");
        if (options.MaximumPatchCount is not { } maximum) return stored;
        if (!stored.Naflex) throw new ArgumentException($"{nameof(options.MaximumPatchCount)} is {maximum}, but the pictures of '{folder}' have one size and one number of patches. Leave the option away.");
        return maximum >= 1 ? stored with { MaximumPatches = maximum } : throw new ArgumentOutOfRangeException(nameof(options), maximum, $"{nameof(options.MaximumPatchCount)} is {maximum}; at least 1 is needed.");
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
        byte[] published = JsonFile.Bytes(writer =>
        {
            if (settings.Vision is Siglip2VisionConfig naflex) naflex.Write(writer);
            else ((SiglipVisionConfig)settings.Vision).Write(writer);
        });
        using JsonDocument config = JsonDocument.Parse(published);
        return JsonFile.Bytes(writer =>
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
