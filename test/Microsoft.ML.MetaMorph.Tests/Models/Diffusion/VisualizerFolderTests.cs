using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class VisualizerFolderTests : FolderTests
{
    [TestMethod]
    public void WhatIsSavedComesBack()
    {
        using var scope = NewDisposeScope();
        foreach ((VisualizerConfig config, long shard) in new[] { (TinyDiffusion.Latent, long.MaxValue), (TinyDiffusion.Latent, 100_000), (TinyDiffusion.Pixels, long.MaxValue) })
        {
            using var model = new VisualizerModel(config, TinyDiffusion.Fresh());
            VisualizerFolder.Save(model, Folder.Path, maxShardBytes: shard);
            using VisualizerModel read = Read(Folder.Path, out VisualizerConfig found);
            AreSame(model, read);
            Assert.AreEqual(JsonFile.Value(config.UNet.Write).GetRawText(), JsonFile.Value(found.UNet.Write).GetRawText());
            Assert.AreEqual((config.Adapter, config.PixelUnshuffle, config.Scheduler), (found.Adapter, found.PixelUnshuffle, found.Scheduler));
        }
    }

    [TestMethod]
    public void TheIndexListsWhatDiffusersOpens()
    {
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(TinyDiffusion.Latent, TinyDiffusion.Fresh());
        VisualizerFolder.Save(model, Folder.Path);
        JsonElement index = JsonDocument.Parse(File.ReadAllText(Folder["model_index.json"])).RootElement;
        Assert.AreEqual("StableDiffusionPipeline", index.GetProperty("_class_name").GetString());
        foreach ((string part, string name) in new[] { ("unet", "UNet2DConditionModel"), ("vae", "AutoencoderKL"), ("scheduler", "PNDMScheduler") })
        {
            CollectionAssert.AreEqual(new[] { "diffusers", name }, index.GetProperty(part).EnumerateArray().Select(e => e.GetString()).ToArray(), part);
            string config = part == "scheduler" ? "scheduler_config.json" : "config.json";
            Assert.AreEqual(name, JsonDocument.Parse(File.ReadAllText(Folder[$"{part}/{config}"])).RootElement.GetProperty("_class_name").GetString());
        }
        Assert.IsTrue(File.Exists(Folder["unet/diffusion_pytorch_model.safetensors"]) && File.Exists(Folder["vae/diffusion_pytorch_model.safetensors"]));
        Assert.AreEqual(JsonValueKind.Null, index.GetProperty("text_encoder")[0].ValueKind);
    }

    [TestMethod]
    public void OfPixelsThereIsNoPipelineToList()
    {
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(TinyDiffusion.Pixels, TinyDiffusion.Fresh());
        VisualizerFolder.Save(model, Folder.Path);
        Assert.IsFalse(File.Exists(Folder["model_index.json"]));
        Assert.AreEqual("PixelUnshuffle", JsonDocument.Parse(File.ReadAllText(Folder["vae/config.json"])).RootElement.GetProperty("_class_name").GetString());
    }

    [TestMethod]
    public void WeightsAreMappedAndNotCopied()
    {
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(TinyDiffusion.Latent, TinyDiffusion.Fresh());
        VisualizerFolder.Save(model, Folder.Path);
        using VisualizerCheckpoint checkpoint = VisualizerFolder.Open(Folder.Path);
        using var read = new VisualizerModel(checkpoint.Config, new StoredParameters(checkpoint.Weights, CPU));
        foreach ((string name, var parameter) in read.named_parameters())
        {
            using Tensor stored = checkpoint.Weights.Read(name);
            Assert.AreEqual(TensorMemory.Address(stored), TensorMemory.Address(parameter), name);
        }
    }

    [TestMethod]
    public void HalfPrecisionVariantsAreChosenByName()
    {
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(TinyDiffusion.Latent, TinyDiffusion.Fresh());
        VisualizerFolder.Save(model, Folder.Path, ScalarType.Float16);
        foreach (string part in new[] { "unet", "vae" }) File.Move(Folder[$"{part}/diffusion_pytorch_model.safetensors"], Folder[$"{part}/diffusion_pytorch_model.fp16.safetensors"]);
        TensorAssert.Throws<FileNotFoundException>(() => VisualizerFolder.Open(Folder.Path), "unet", "diffusion_pytorch_model.fp16.safetensors");
        using VisualizerModel read = Read(Folder.Path, out _, variant: "fp16");
        Assert.IsTrue(read.UNet.parameters().All(p => p.dtype == ScalarType.Float16));
        TensorAssert.AreClose(model.UNet.parameters().First(), read.UNet.parameters().First().to(ScalarType.Float32), 1e-3, "a weight");
    }

    [TestMethod]
    public void TorchFilesOfADiffusersFolderAreRead()
    {
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(TinyDiffusion.Latent, TinyDiffusion.Fresh());
        VisualizerFolder.Save(model, Folder.Path);
        foreach ((string part, nn.Module module) in new (string, nn.Module)[] { ("unet", model.UNet), ("vae", model.Autoencoder!) })
        {
            TorchCheckpointWriter.Write(Folder[$"{part}/diffusion_pytorch_model.bin"], module.named_parameters().Select(p => KeyValuePair.Create<string, Tensor>(p.name, p.parameter)), 0);
            File.Delete(Folder[$"{part}/diffusion_pytorch_model.safetensors"]);
        }
        using VisualizerModel read = Read(Folder.Path, out _);
        AreSame(model, read);
    }

    [TestMethod]
    public void TheFilesOfMetaMorphsVisualizerAreCompletedByStableDiffusion()
    {
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(TinyDiffusion.Latent, TinyDiffusion.Fresh());
        using var other = new VisualizerModel(TinyDiffusion.Latent, TinyDiffusion.Fresh(8));
        VisualizerFolder.Save(other, Folder["base"]);
        Directory.Delete(Folder["base/adapter"], recursive: true);
        VisualizerFolder.SaveCheckpoint(model, Folder["own"], globalStep: 12_000);
        CollectionAssert.AreEquivalent(new[] { "adapter_checkpoint.pt", "unet_checkpoint.pt", "model_config.json" }, Directory.GetFiles(Folder["own"]).Select(Path.GetFileName).ToArray());
        using VisualizerModel read = Read(Folder["own"], out _, Folder["base"]);
        AreSame(model.Adapter, read.Adapter);
        AreSame(model.UNet, read.UNet);
        AreSame(other.Autoencoder!, read.Autoencoder!);
        File.Delete(Folder["own/unet_checkpoint.pt"]);
        using VisualizerModel adapterOnly = Read(Folder["own"], out _, Folder["base"]);
        AreSame(other.UNet, adapterOnly.UNet);
        TensorAssert.Throws<InvalidDataException>(() => VisualizerFolder.Open(Folder["own"]), "no UNet", "Stable Diffusion folder");
        TensorAssert.Throws<InvalidDataException>(() => VisualizerFolder.Open(Folder["base"]), "adapter_checkpoint.pt", "train an adapter");
    }

    [TestMethod]
    public void TrainingCanBeginWithoutAnAdapter()
    {
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(TinyDiffusion.Latent, TinyDiffusion.Fresh());
        VisualizerFolder.Save(model, Folder.Path);
        Directory.Delete(Folder["adapter"], recursive: true);
        VisualTokenAdapterConfig adapter = TinyDiffusion.Adapter with { InputWidth = 9, Layers = 3 };
        using VisualizerCheckpoint checkpoint = VisualizerFolder.OpenStableDiffusion(Folder.Path, adapter);
        using var begun = new VisualizerModel(checkpoint.Config, new FallbackParameters(new StoredParameters(checkpoint.Weights, CPU), TinyDiffusion.Fresh()));
        Assert.AreEqual(adapter, begun.Adapter.Config);
        AreSame(model.UNet, begun.UNet);
    }

    [TestMethod]
    public void BrokenFoldersAreNamed()
    {
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(TinyDiffusion.Latent, TinyDiffusion.Fresh());
        VisualizerFolder.Save(model, Folder.Path);
        string unet = File.ReadAllText(Folder["unet/config.json"]);
        Folder.Write("unet/config.json", unet.Replace("\"cross_attention_dim\": 20", "\"cross_attention_dim\": 24", StringComparison.Ordinal));
        TensorAssert.Throws<InvalidDataException>(() => VisualizerFolder.Open(Folder.Path), "output_dim", "20", "cross_attention_dim", "24");
        Folder.Write("unet/config.json", unet.Replace("\"upcast_attention\": false", "\"upcast_attention\": false, \"new_option\": 1", StringComparison.Ordinal));
        TensorAssert.Throws<NotSupportedException>(() => VisualizerFolder.Open(Folder.Path), Path.Combine("unet", "config.json"), "new_option");
        Folder.Write("unet/config.json", "{");
        TensorAssert.Throws<InvalidDataException>(() => VisualizerFolder.Open(Folder.Path), Path.Combine("unet", "config.json"), "not valid JSON");
        Folder.Write("unet/config.json", unet.Replace("\"layers_per_block\"", "\"_layers\"", StringComparison.Ordinal));
        using VisualizerCheckpoint misfit = VisualizerFolder.Open(Folder.Path);
        TensorAssert.Throws<InvalidDataException>(() => _ = new VisualizerModel(misfit.Config, new StoredParameters(misfit.Weights, CPU)), "unet.down_blocks");
        Directory.Delete(Folder["vae"], recursive: true);
        Folder.Write("unet/config.json", unet);
        TensorAssert.Throws<InvalidDataException>(() => VisualizerFolder.Open(Folder.Path), "no autoencoder", "vae/config.json");
    }

    private static VisualizerModel Read(string folder, out VisualizerConfig config, string? stableDiffusion = null, string? variant = null)
    {
        using VisualizerCheckpoint checkpoint = VisualizerFolder.Open(folder, stableDiffusion, variant);
        config = checkpoint.Config;
        var stored = new StoredParameters(checkpoint.Weights, CPU);
        var model = new VisualizerModel(checkpoint.Config, stored);
        stored.RefuseUnused();
        return model;
    }

    private static void AreSame(nn.Module expected, nn.Module actual)
    {
        var found = actual.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        CollectionAssert.AreEquivalent(expected.named_parameters().Select(p => p.name).ToArray(), found.Keys.ToArray());
        foreach ((string name, var parameter) in expected.named_parameters()) TensorAssert.AreIdentical(parameter, found[name], name);
    }
}
