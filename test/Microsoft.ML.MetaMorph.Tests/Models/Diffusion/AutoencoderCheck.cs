using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>vae</c>: the distribution of latents, and the picture decoded from its mean.</summary>
internal static class AutoencoderCheck
{
    private const string WeightsName = "diffusion_pytorch_model.safetensors";

    [ReferenceKind("vae")]
    public static void Check(ReferenceCase reference)
    {
        AutoencoderKLConfig config = Config(reference);
        using TensorArchive archive = CheckpointKeys.ForAutoencoder(TensorArchive.Open(reference.Path(WeightsName)));
        var stored = new StoredParameters(archive, CPU, trainable: true);
        using var model = new AutoencoderKL(config, stored);
        stored.RefuseUnused();
        Compare(reference, model, "with gradients");
        using var mode = no_grad();
        Compare(reference, model, "without gradients");
        // The unscaled latent goes the whole way through scale and back, as sampling does.
        var codec = new AutoencoderCodec(model, tiled: true);
        reference.AreClose(reference["decoded"], codec.Decode(codec.Encode(reference["image"])), reference.Tolerance, "picture through scaled latents, tiled");
        reference.AreClose(reference["decoded"], model.Decode(reference["mean"], tiled: true, stripCount: 5), reference.Tolerance, "picture in strips");
    }

    public static AutoencoderKLConfig Config(ReferenceCase reference)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(reference.Path("config.json")));
        return AutoencoderKLConfig.FromJson(json.RootElement);
    }

    private static void Compare(ReferenceCase reference, AutoencoderKL model, string how)
    {
        using var scope = NewDisposeScope();
        LatentDistribution latents = model.Encode(reference["image"]);
        reference.AreClose(reference["mean"], latents.Mean, reference.Tolerance, $"mean {how}");
        reference.AreClose(reference["logvar"], latents.LogVariance, reference.Tolerance, $"logvar {how}");
        reference.AreClose(reference["decoded"], model.Decode(reference["mean"]), reference.Tolerance, $"picture {how}");
    }
}
