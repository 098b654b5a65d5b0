using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>visualizer</c>: visual tokens → picture through adapter, UNet, scheduler and autoencoder, from given noise.</summary>
internal static class VisualizerCheck
{
    [ReferenceKind("visualizer")]
    public static void Check(ReferenceCase reference)
    {
        Assert.AreEqual("zeros", reference.Json.GetProperty("negative").GetString(), $"{reference.Name}: negative condition");
        var compared = new HashSet<string> { "latents", "visual_tokens" };
        using var mode = no_grad();
        using VisualizerModel model = Build(reference);
        int steps = reference.Json.GetProperty("steps").GetInt32();
        foreach (JsonProperty item in reference.Json.GetProperty("cases").EnumerateObject())
        {
            SchedulerConfig config = SchedulerConfig.StableDiffusion with { Kind = SchedulerCheck.KindOf(item.Name) };
            Compare(reference, model, DiffusionScheduler.Create(config, steps), item.Name, item.Value.GetDouble());
            compared.UnionWith([item.Name + ".latents", item.Name + ".image"]);
        }
        CollectionAssert.AreEquivalent(compared.ToArray(), reference.Tensors.Keys.ToArray(), $"{reference.Name}: figures that nothing compares");
    }

    private static void Compare(ReferenceCase reference, VisualizerModel model, DiffusionScheduler scheduler, string name, double scale)
    {
        using var scope = NewDisposeScope();
        using (scheduler)
        {
            DiffusionConditioning condition = model.Condition(reference["visual_tokens"]);
            Assert.AreEqual(reference.Json.GetProperty("pad_to").GetInt64(), condition.Context.size(1), $"{reference.Name}: positions");
            // As in the published sampling, guidance is applied above 1 only.
            var guidance = new ClassifierFreeGuidance(model, condition, scale > 1 ? condition.Zeros() : null, scale);
            Tensor start = reference["latents"] * (float)scheduler.InitialNoiseScale;
            using var noise = new RowNoise([0], reference["latents"].shape[1..], CPU);
            Tensor latents = DiffusionSampling.Denoise(guidance, scheduler, start, 0, noise);
            reference.AreClose(reference[name + ".latents"], latents, reference.Tolerance, $"{name}: latents");
            reference.AreClose(reference[name + ".image"], model.Codec().Decode(latents), reference.Tolerance, $"{name}: picture");
            reference.AreClose(reference[name + ".image"], model.Codec(tiled: true).Decode(latents), reference.Tolerance, $"{name}: picture, tiled");
        }
    }

    private static VisualizerModel Build(ReferenceCase reference)
    {
        ReferenceCase unet = Part(reference, "unet"), vae = Part(reference, "vae");
        using var weights = new CombinedArchive(reference.Folder);
        TensorArchive adapter = TensorArchive.Open(reference.Path("adapter.safetensors"));
        weights.Add("adapter.", adapter);
        weights.Add("unet.", TensorArchive.Open(unet.Folder));
        weights.Add("vae.", CheckpointKeys.ForAutoencoder(TensorArchive.Open(vae.Path("diffusion_pytorch_model.safetensors"))));
        var config = new VisualizerConfig { Adapter = VisualTokenAdapterConfig.FromWeights(adapter), UNet = UNetCheck.Config(unet), Autoencoder = AutoencoderCheck.Config(vae) };
        var stored = new StoredParameters(weights, CPU);
        var model = new VisualizerModel(config, stored);
        stored.RefuseUnused();
        return model;
    }

    private static ReferenceCase Part(ReferenceCase reference, string part) => new(Path.Combine(Path.GetDirectoryName(reference.Folder)!, reference.Json.GetProperty(part).GetString()!));
}
