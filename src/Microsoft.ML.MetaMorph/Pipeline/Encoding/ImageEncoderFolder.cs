using System.Security.Cryptography;
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
        (VisionTowerConfig vision, VisualTokenSettings tokens) = ResponseModelFolder.ReadConfig(folder, json => Read(json, decides: options is { VisualTokenCount: null, TokenReduction: null, SelectLayer: null }));
        var settings = new ImageEncoderSettings(vision, Preprocessing(folder, options), Chosen(tokens, options), options.Precision);
        TensorArchive archive = CheckpointKeys.ForSiglip(TensorArchive.Open(folder));
        return Build(settings, archive, archive, folder);
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
        (VisionTowerConfig vision, VisualTokenSettings tokens) = zip.ReadJson(ConfigName, json => Read(json, decides: true));
        ImagePreprocessorConfig preprocessing = zip.ReadJson(ImagePreprocessorConfig.FileName, json => ImagePreprocessorConfig.FromJson(json));
        var settings = new ImageEncoderSettings(vision, preprocessing, tokens, precision, trainedIn);
        ZipWeights weights = ZipWeights.Open(zip, temporaryFolder);
        return Build(settings, weights.Archive, weights, zip.Location);
    }

    /// <summary>All that visual tokens depend on beside their picture, as a hash: sizes, preprocessing, reduction, weights, and the element type that is computed in.</summary>
    public static string Fingerprint(ImageEncoderModel model, TorchSharp.torch.ScalarType compute)
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write))
        {
            stream.Write(Config(model.Settings));
            stream.Write(JsonFile.Bytes(model.Settings.Preprocessing.Write));
            stream.Write(System.Text.Encoding.UTF8.GetBytes(compute.ToString()));
            SafeTensorsWriter.Write(stream, model.Parameters());
        }

        return Convert.ToHexStringLower(hash.Hash!);
    }

    /// <summary>Whether a config describes a tower whose pictures keep their shape (SigLIP 2 NaFlex).</summary>
    public static bool IsNaflex(JsonElement config)
    {
        JsonElement section = ConfigJson.Section(config, "vision_config") ?? config;
        string? type = ConfigJson.Text(section, "model_type") ?? ConfigJson.Text(config, "model_type");
        return type?.StartsWith("siglip2", StringComparison.Ordinal) == true;
    }

    /// <summary>Refuses a configuration that says of nothing what it describes: all that it lacks has published defaults, so it would be taken for a SigLIP of the first size.</summary>
    /// <exception cref="InvalidDataException">It has neither <c>model_type</c> nor <c>vision_config</c>.</exception>
    public static void RequireKind(JsonElement config)
    {
        if (ConfigJson.Text(config, "model_type") is null && ConfigJson.Section(config, "vision_config") is null)
            throw new InvalidDataException("'model_type' is missing; it must be siglip_vision_model or siglip2_vision_model, or siglip or siglip2 with a 'vision_config'.");
    }

    private static ImageEncoderModel Build(ImageEncoderSettings settings, TensorArchive archive, IDisposable storage, string location)
    {
        try
        {
            ImageEncoding encoding = Encoding(settings, location);
            StoredParameters.Check(archive, encoding.Build, CheckpointKeys.IsBesideVisionTower, settings.Vision.AbsentSizes);
            MemoryEstimate.Of(archive).Require();
            return new ImageEncoderModel(settings, device => new StoredParameters(archive, device), storage, archive.Location);
        }
        catch
        {
            storage.Dispose();
            throw;
        }
    }

    /// <summary>Where two files contradict each other, both lie in the same place, which the message names.</summary>
    public static ImageEncoding Encoding(ImageEncoderSettings settings, string location)
    {
        try
        {
            return ImageEncoding.Of(settings);
        }
        catch (InvalidDataException failure)
        {
            throw new InvalidDataException($"'{location}': {failure.Message}", failure);
        }
    }

    /// <summary>The tower that a configuration describes, and how its patches become tokens.</summary>
    /// <param name="config">The root of <c>config.json</c>.</param>
    /// <param name="decides">Whether nothing but the configuration says how many tokens there are: one that cannot be is then its fault. What options change is the caller's.</param>
    private static (VisionTowerConfig Vision, VisualTokenSettings Tokens) Read(JsonElement config, bool decides)
    {
        RequireKind(config);
        bool metaMorph = ConfigJson.Text(config, "model_type")?.StartsWith(MetaMorphConfig.ModelTypePrefix, StringComparison.Ordinal) == true;
        JsonElement? section = ConfigJson.Section(config, "vision_config");
        if (metaMorph && section is null)
            throw new InvalidDataException("This MetaMorph has no 'vision_config': its pictures were encoded by another model. Load that one's folder.");
        VisionTowerConfig vision = Vision(metaMorph ? section!.Value : config);
        VisualTokenSettings stored = Tokens(config);
        if (decides) RequireStored(stored, vision, ConfigKeys.Of(config));
        return (vision, stored);
    }

    /// <summary>The vision tower of a configuration that is no MetaMorph's.</summary>
    /// <exception cref="InvalidDataException">It is another model's, or a value is unusable.</exception>
    public static VisionTowerConfig Vision(JsonElement config)
    {
        if (IsNaflex(config))
        {
            Siglip2VisionConfig naflex = Siglip2VisionConfig.FromJson(config);
            ImageEncoding.RequireColour(naflex.Channels);
            return naflex;
        }

        SiglipVisionConfig vision = SiglipVisionConfig.FromJson(config);
        ImageEncoding.RequireColour(vision.Channels);
        return vision;
    }

    /// <summary>How the pictures of a folder's tower are made ready, as the options change it.</summary>
    /// <exception cref="ArgumentException">An option belongs to the other kind of tower.</exception>
    public static ImagePreprocessorConfig Preprocessing(string folder, ImageEncoderOptions options)
    {
        ImagePreprocessorConfig stored = ImagePreprocessorConfig.Load(folder);
        if (options.AspectRatio is { } ratio)
            stored = !stored.Naflex ? stored with { AspectRatio = ratio } : throw new ArgumentException($"{nameof(options.AspectRatio)} is {ratio}, but the pictures of '{folder}' keep their shape (SigLIP 2 NaFlex). Leave the option away.");
        if (options.MaximumPatchCount is not { } maximum) return stored;
        if (!stored.Naflex) throw new ArgumentException($"{nameof(options.MaximumPatchCount)} is {maximum}, but the pictures of '{folder}' have one size and one number of patches. Leave the option away.");
        return stored with { MaximumPatches = maximum };
    }

    /// <summary>A folder that we or MetaMorph saved says how its tokens are made, in the published names; else they are made as in the paper.</summary>
    public static VisualTokenSettings Tokens(JsonElement config)
    {
        var paper = new VisualTokenSettings();
        return new VisualTokenSettings(
            ConfigJson.Size(config, "num_image_tokens", paper.Count),
            ConfigJson.Text(config, "image_token_reduction") is { } name ? TokenReduction.Named(name) : paper.Reduction,
            ConfigJson.Integer(config, "mm_vision_select_layer", paper.SelectLayer),
            ConfigJson.Flag(config, "normalize_vision", paper.Normalize));
    }

    private static VisualTokenSettings Chosen(VisualTokenSettings stored, ImageEncoderOptions options) => new(
        options.VisualTokenCount ?? stored.Count,
        options.TokenReduction is { } name ? TokenReduction.Named(name) : stored.Reduction,
        options.SelectLayer ?? stored.SelectLayer,
        options.Normalize ?? stored.Normalize);

    private static void RequireStored(VisualTokenSettings stored, VisionTowerConfig vision, ConfigKeys keys)
    {
        try
        {
            stored.Check(vision, vision.FixedPatchCount);
        }
        catch (ArgumentException failure)
        {
            throw new InvalidDataException($"num_image_tokens is {stored.Count}{keys.Note("num_image_tokens")}, image_token_reduction is {TokenReduction.NameOf(stored.Reduction)}{keys.Note("image_token_reduction")}, mm_vision_select_layer is {stored.SelectLayer}{keys.Note("mm_vision_select_layer")}: {failure.Message}{vision.AbsentSizes}", failure);
        }
    }

    private static byte[] Config(ImageEncoderSettings settings) => WithTokens(JsonFile.Bytes(settings.Vision.Write), settings.Tokens);

    /// <summary>A published configuration with how visual tokens are made behind it; other libraries pass over that.</summary>
    public static byte[] WithTokens(byte[] published, VisualTokenSettings tokens)
    {
        using JsonDocument config = JsonDocument.Parse(published);
        return JsonFile.Bytes(writer =>
        {
            writer.WriteStartObject();
            foreach (JsonProperty property in config.RootElement.EnumerateObject()) property.WriteTo(writer);
            writer.WriteNumber("num_image_tokens", tokens.Count);
            writer.WriteString("image_token_reduction", TokenReduction.NameOf(tokens.Reduction));
            writer.WriteNumber("mm_vision_select_layer", tokens.SelectLayer);
            writer.WriteBoolean("normalize_vision", tokens.Normalize);
            writer.WriteEndObject();
        });
    }
}
