using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>
/// Kind <c>visualizer</c>: visual tokens → adapter → guided sampling → picture, with the UNet and the autoencoder of other cases. A sampling is
/// named after its scheduler, which has the settings of Stable Diffusion, and its guidance is written beside it.
/// </summary>
internal static class VisualizerCheck
{
    [ReferenceKind("visualizer")]
    public static void Check(ReferenceCase reference)
    {
        Assert.AreEqual("zeros", reference.Json.GetProperty("negative").GetString());
        using var mode = no_grad();
        using VisualizerModel model = Model(reference);
        foreach (JsonProperty item in reference.Json.GetProperty("cases").EnumerateObject())
        {
            using var scope = NewDisposeScope();
            var options = new ImageGenerationOptions { Steps = reference.Json.GetProperty("steps").GetInt32(), GuidanceScale = item.Value.GetDouble(), Scheduler = SchedulerCheck.Kind(item.Name) };
            foreach (bool apart in new[] { false, true }) Draw(reference, model, item.Name, options, apart);
        }
    }

    private static void Draw(ReferenceCase reference, VisualizerModel model, string name, ImageGenerationOptions options, bool apart)
    {
        DiffusionConditioning positive = model.Condition(reference["visual_tokens"]);
        using DiffusionScheduler scheduler = DiffusionSampling.Schedule(model.Config.Scheduler!, options);
        var guidance = options.IsGuided
            ? new ClassifierFreeGuidance(model, positive, positive.Zeros(), options.GuidanceScale, options.GuidanceRescale, apart)
            : new ClassifierFreeGuidance(model, positive);
        using var noise = new RowNoise([0], [1], CPU);
        Tensor latents = DiffusionSampling.Denoise(guidance, scheduler, reference["latents"] * (float)scheduler.InitialNoiseScale, 0, noise);
        reference.AreClose(reference[name + ".latents"], latents, reference.Tolerance, $"{name}: latents");
        Tensor expected = reference[name + ".image"];
        // Pictures are written as the autoencoder gives them, or brought to 0 … 1 as a pipeline gives them.
        bool raw = expected.min().item<float>() < 0;
        Tensor picture = raw ? model.Codec().Decode(latents) : DiffusionSampling.Decode(model.Codec(), latents, rowsAtATime: 1);
        reference.AreClose(expected, picture, reference.Tolerance, $"{name}: picture");
        if (raw) reference.AreClose(expected, model.Codec(tiled: true).Decode(latents), reference.Tolerance, $"{name}: picture, tiled");
    }

    /// <summary>Joined of the folders that the case names.</summary>
    private static VisualizerModel Model(ReferenceCase reference)
    {
        ReferenceCase unet = Beside(reference, "unet"), vae = Beside(reference, "vae");
        using var weights = new CombinedArchive(reference.Folder);
        TensorArchive adapter = TensorArchive.Open(reference.Path("adapter.safetensors"));
        weights.Add("adapter.", adapter);
        weights.Add("unet.", TensorArchive.Open(unet.Folder));
        weights.Add("vae.", CheckpointKeys.ForAutoencoder(TensorArchive.Open(vae.Folder)));
        int length = reference.Json.GetProperty("pad_to").GetInt32();
        var config = new VisualizerConfig
        {
            Adapter = VisualTokenAdapterConfig.FromWeights(adapter) with { TokenCount = length, ConditionLength = length },
            UNet = UNetCheck.Config(unet),
            Autoencoder = AutoencoderCheck.Config(vae),
            Scheduler = SchedulerConfig.StableDiffusion,
        };
        return new VisualizerModel(config, new StoredParameters(weights, CPU));
    }

    /// <summary>A case that was laid alone in another folder takes the parts of this repository.</summary>
    private static ReferenceCase Beside(ReferenceCase reference, string part)
    {
        string name = reference.Json.GetProperty(part).GetString()!, folder = Path.Combine(Path.GetDirectoryName(reference.Folder)!, name);
        if (Directory.Exists(folder)) return new ReferenceCase(folder);
        Assert.IsTrue(Directory.Exists(Path.Combine(ReferenceFolder.Own, name)), $"{reference.Name}: its {part} '{name}' is neither beside it nor in {ReferenceFolder.Own}.");
        return ReferenceCase.OwnCase(name);
    }
}
