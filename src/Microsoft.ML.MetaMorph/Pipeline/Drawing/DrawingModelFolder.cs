using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Visualizers out of folders and model zips.</summary>
/// <remarks>In a zip the configurations have the names that they have in a folder; the weights of all parts lie in one file.</remarks>
internal static class DrawingModelFolder
{
    private const string AdapterConfig = "adapter/config.json", UNetConfig = "unet/config.json", CodecConfig = "vae/config.json", SchedulerFile = "scheduler/scheduler_config.json";

    /// <summary>Opens a folder; weights are read when they are first needed.</summary>
    public static DrawingModel Open(string folder, VisualizerOptions options)
    {
        VisualizerCheckpoint checkpoint = VisualizerFolder.Open(folder, options.StableDiffusionFolder, options.Variant);
        try
        {
            StoredParameters.Check(checkpoint.Weights, parameters => new VisualizerModel(checkpoint.Config, parameters), hint: checkpoint.Config.AbsentSizes);
            MemoryEstimate.Of(checkpoint.Weights, part: CheckpointKeys.VisualizerPart).Require();
            return new DrawingModel(
                checkpoint.Config,
                new DrawingModelSettings(options.Precision, options.TiledDecoding),
                device => new VisualizerModel(checkpoint.Config, new StoredParameters(checkpoint.Weights, device)),
                checkpoint);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Writes the files of a model into a zip.</summary>
    public static void Save(DrawingModel model, ModelZipWriter zip)
    {
        VisualizerConfig config = model.Config;
        Write(AdapterConfig, config.Adapter.Write);
        Write(UNetConfig, config.UNet.Write);
        Write(CodecConfig, config.Autoencoder is { } autoencoder ? autoencoder.Write : writer => PixelUnshuffleCodec.Write(writer, config.PixelUnshuffle!.Value));
        if (config.Scheduler is { } scheduler) Write(SchedulerFile, scheduler.Write);
        ZipWeights.Write(zip, model.Parameters());

        void Write(string name, Action<Utf8JsonWriter> write) => zip.Write(name, stream => stream.Write(JsonFile.Bytes(write)));
    }

    /// <summary>Opens the files in a model zip.</summary>
    /// <exception cref="InvalidDataException">A file is missing or broken; zip and file are named.</exception>
    public static DrawingModel Open(ModelZipReader zip, string temporaryFolder, DrawingModelSettings settings)
    {
        var config = new VisualizerConfig
        {
            Adapter = zip.ReadJson(AdapterConfig, VisualTokenAdapterConfig.FromJson),
            UNet = zip.ReadJson(UNetConfig, UNet2DConditionConfig.FromJson),
            PixelUnshuffle = zip.ReadJson(CodecConfig, PixelUnshuffleCodec.FactorFromJson),
            Scheduler = zip.Contains(SchedulerFile) ? JsonFile.Named(zip.NameOf(SchedulerFile), () => SchedulerConfig.Parse(zip.ReadText(SchedulerFile))) : null,
        };
        if (config.PixelUnshuffle is null) config = config with { Autoencoder = zip.ReadJson(CodecConfig, AutoencoderKLConfig.FromJson) };
        ZipWeights weights = ZipWeights.Open(zip, temporaryFolder);
        try
        {
            StoredParameters.Check(weights.Archive, parameters => new VisualizerModel(config, parameters), hint: config.AbsentSizes);
            MemoryEstimate.Of(weights.Archive, part: CheckpointKeys.VisualizerPart).Require();
            return new DrawingModel(config, settings, device => new VisualizerModel(config, new StoredParameters(weights.Archive, device)), weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }
}
