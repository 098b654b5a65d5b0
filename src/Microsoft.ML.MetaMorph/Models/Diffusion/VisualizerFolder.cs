using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Visualizers in folders: a diffusers folder with an <c>adapter</c> beside <c>unet</c>, <c>vae</c> and <c>scheduler</c>, or the files of
/// MetaMorph's own visualizer (<c>adapter_checkpoint.pt</c>, <c>unet_checkpoint.pt</c>, <c>model_config.json</c>) completed by a Stable
/// Diffusion folder.
/// </summary>
internal static class VisualizerFolder
{
    public const string AdapterCheckpoint = "adapter_checkpoint.pt", UNetCheckpoint = "unet_checkpoint.pt", AdapterConfig = "model_config.json";

    private const string ConfigName = "config.json", SchedulerName = "scheduler_config.json", Index = "model_index.json";

    /// <summary>The version of diffusers whose layout is written.</summary>
    private const string FormatVersion = "0.36.0";

    /// <summary>Opens a visualizer; only names, shapes and configurations are read.</summary>
    /// <param name="folder">The folder, or a model of the Hugging Face cache.</param>
    /// <param name="stableDiffusion">A folder that has what this one lacks: UNet, autoencoder and scheduler for the files of MetaMorph's own visualizer.</param>
    /// <param name="variant">Which of several stored precisions of UNet and autoencoder, such as <c>fp16</c>; null for the plain files.</param>
    /// <param name="newAdapter">The adapter where the folders have none, for training; its weights are then missing from the checkpoint.</param>
    /// <exception cref="InvalidDataException">A part is missing or unusable, or two do not fit; the message names file and numbers.</exception>
    /// <exception cref="NotSupportedException">An option that this library does not compute, by name.</exception>
    public static VisualizerCheckpoint Open(string folder, string? stableDiffusion = null, string? variant = null, VisualTokenAdapterConfig? newAdapter = null)
    {
        folder = PretrainedFolder.Resolve(folder);
        ComponentFolders folders = stableDiffusion is null ? new(folder) : new(folder, PretrainedFolder.Resolve(stableDiffusion));
        var weights = new CombinedArchive(folder);
        try
        {
            VisualTokenAdapterConfig adapter = OpenAdapter(folders, weights, newAdapter);
            UNet2DConditionConfig unet = OpenUNet(folders, weights, variant);
            var config = new VisualizerConfig { Adapter = adapter, UNet = unet, Scheduler = ReadScheduler(folders) };
            config = OpenAutoencoder(folders, weights, variant, config);
            config.Validate();
            return new VisualizerCheckpoint(config, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Opens the UNet, the autoencoder and the scheduler of a Stable Diffusion folder, whose adapter is yet to be trained.</summary>
    /// <param name="folder">The folder, or a model of the Hugging Face cache.</param>
    /// <param name="adapter">The adapter to come; its weights are missing from the checkpoint.</param>
    /// <param name="variant">Such as <c>fp16</c>; null for the plain files.</param>
    public static VisualizerCheckpoint OpenStableDiffusion(string folder, VisualTokenAdapterConfig adapter, string? variant = null) => Open(folder, variant: variant, newAdapter: adapter);

    /// <summary>Writes a folder that diffusers opens, with the adapter beside it; of a visualizer that denoises pixels, diffusers opens the network alone.</summary>
    /// <param name="model">The visualizer.</param>
    /// <param name="folder">The folder; files of the same names are replaced.</param>
    /// <param name="elementType">The type that weights are written in; null = their own.</param>
    /// <param name="maxShardBytes">Weights are cut into files of at most this size.</param>
    public static void Save(VisualizerModel model, string folder, ScalarType? elementType = null, long maxShardBytes = SafeTensorsWriter.DefaultShardBytes)
    {
        VisualizerConfig config = model.Config;
        Write("adapter", config.Adapter.Write, model.Adapter, "model");
        Write("unet", config.UNet.Write, model.UNet, "diffusion_pytorch_model");
        if (model.Autoencoder is { } autoencoder) AutoencoderFolder.Save(autoencoder, folder, elementType, maxShardBytes);
        else JsonFile.Write(Path.Combine(folder, AutoencoderFolder.Component, ConfigName), writer => PixelUnshuffleCodec.Write(writer, config.PixelUnshuffle!.Value));
        if (config.Scheduler is { } scheduler) JsonFile.Write(Path.Combine(folder, "scheduler", SchedulerName), scheduler.Write);
        // diffusers has no pipeline that denoises pixels: an index would promise one.
        if (model.Autoencoder is not null) JsonFile.Write(Path.Combine(folder, Index), writer => WriteIndex(writer, config));

        void Write(string component, Action<Utf8JsonWriter> write, nn.Module module, string stem)
        {
            string path = Path.Combine(folder, component);
            JsonFile.Write(Path.Combine(path, ConfigName), write);
            SafeTensorsWriter.WriteSharded(path, Parameters(module), maxShardBytes, elementType, stem);
        }
    }

    /// <summary>Writes adapter and UNet as the files of MetaMorph's own visualizer.</summary>
    /// <param name="model">The visualizer; its autoencoder and scheduler are not part of these files.</param>
    /// <param name="folder">The folder; files of the same names are replaced.</param>
    /// <param name="globalStep">The training steps made, which the files carry.</param>
    public static void SaveCheckpoint(VisualizerModel model, string folder, long globalStep)
    {
        JsonFile.Write(Path.Combine(folder, AdapterConfig), model.Config.Adapter.Write);
        TorchCheckpointWriter.Write(Path.Combine(folder, AdapterCheckpoint), Parameters(model.Adapter), globalStep);
        TorchCheckpointWriter.Write(Path.Combine(folder, UNetCheckpoint), Parameters(model.UNet), globalStep);
    }

    private static VisualTokenAdapterConfig OpenAdapter(ComponentFolders folders, CombinedArchive weights, VisualTokenAdapterConfig? newAdapter)
    {
        if (folders.Component("adapter") is { } component)
        {
            weights.Add("adapter.", CheckpointKeys.ForVisualizerPart(TensorArchive.Open(component)));
            return JsonFile.Read(Path.Combine(component, ConfigName), VisualTokenAdapterConfig.FromJson);
        }
        if (folders.Find(AdapterCheckpoint, "adapter.safetensors") is { } checkpoint)
        {
            TensorArchive archive = CheckpointKeys.ForVisualizerPart(TensorArchive.Open(checkpoint));
            weights.Add("adapter.", archive);
            return folders.Find(AdapterConfig) is { } config ? JsonFile.Read(config, VisualTokenAdapterConfig.FromJson) : VisualTokenAdapterConfig.FromWeights(archive);
        }
        return newAdapter ?? throw new InvalidDataException(
            $"'{folders.Location}' has no visual token adapter. Looked for: adapter/{ConfigName}, {AdapterCheckpoint}. A Stable Diffusion model alone does not read visual tokens: train an adapter for it, or give the folder of one.");
    }

    private static UNet2DConditionConfig OpenUNet(ComponentFolders folders, CombinedArchive weights, string? variant)
    {
        string? component = folders.Component("unet"), checkpoint = folders.Find(UNetCheckpoint);
        if (component is null && checkpoint is null)
            throw new InvalidDataException($"'{folders.Location}' has no UNet. Looked for: unet/{ConfigName}, {UNetCheckpoint}. Where only the adapter was trained, give the Stable Diffusion folder that it was trained with.");
        weights.Add("unet.", CheckpointKeys.ForVisualizerPart(checkpoint is null ? TensorArchive.Open(component!, variant) : TensorArchive.Open(checkpoint)));
        // The files of MetaMorph's own visualizer have no configuration of the UNet: it is the published one.
        return component is null ? UNet2DConditionConfig.StableDiffusion15 : JsonFile.Read(Path.Combine(component, ConfigName), UNet2DConditionConfig.FromJson);
    }

    private static VisualizerConfig OpenAutoencoder(ComponentFolders folders, CombinedArchive weights, string? variant, VisualizerConfig config)
    {
        string component = folders.Component(AutoencoderFolder.Component) ?? throw new InvalidDataException(
            $"'{folders.Location}' has no autoencoder. Looked for: {AutoencoderFolder.Component}/{ConfigName}. The files of MetaMorph's own visualizer come without one: give the Stable Diffusion folder that it was trained with.");
        string path = Path.Combine(component, ConfigName);
        if (JsonFile.Read(path, PixelUnshuffleCodec.FactorFromJson) is { } factor) return config with { PixelUnshuffle = factor };
        (AutoencoderKLConfig autoencoder, TensorArchive archive) = AutoencoderFolder.OpenComponent(component, variant);
        weights.Add($"{AutoencoderFolder.Component}.", archive);
        return config with { Autoencoder = autoencoder };
    }

    private static SchedulerConfig? ReadScheduler(ComponentFolders folders)
        => folders.Component("scheduler", SchedulerName) is { } component ? JsonFile.ReadText(Path.Combine(component, SchedulerName), SchedulerConfig.Parse) : null;

    private static IEnumerable<KeyValuePair<string, Tensor>> Parameters(nn.Module module) => module.named_parameters().Select(p => KeyValuePair.Create<string, Tensor>(p.name, p.parameter));

    /// <summary>The parts as diffusers lists them. It passes over what is null, and over the adapter, which is not its own.</summary>
    private static void WriteIndex(Utf8JsonWriter writer, VisualizerConfig config)
    {
        writer.WriteStartObject();
        writer.WriteString("_class_name", "StableDiffusionPipeline");
        writer.WriteString("_diffusers_version", FormatVersion);
        Part("feature_extractor", null);
        Part("image_encoder", null);
        writer.WriteBoolean("requires_safety_checker", false);
        Part("safety_checker", null);
        Part("scheduler", config.Scheduler is { } scheduler ? JsonFile.Value(scheduler.Write).GetProperty("_class_name").GetString() : null);
        Part("text_encoder", null);
        Part("tokenizer", null);
        Part("unet", UNet2DConditionConfig.ClassName);
        Part("vae", AutoencoderKLConfig.ClassName);
        writer.WriteEndObject();

        void Part(string name, string? className)
        {
            writer.WriteStartArray(name);
            writer.WriteStringValue(className is null ? null : "diffusers");
            writer.WriteStringValue(className);
            writer.WriteEndArray();
        }
    }
}
