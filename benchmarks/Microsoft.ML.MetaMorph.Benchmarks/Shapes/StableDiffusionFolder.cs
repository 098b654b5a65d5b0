using System.Text;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>
/// A visualizer as a diffusers folder (<c>unet</c>, <c>vae</c>, <c>scheduler</c>, and <c>adapter</c>), made once for all lines that draw.
/// A line has a folder inside it with its inputs, so that the large weights lie on the disk once.
/// </summary>
internal static class StableDiffusionFolder
{
    public const string Latents = "latents", Context = "context", Tokens = "tokens", Calls = "calls";

    /// <summary>Writes the weights; the path of the folder.</summary>
    public static string Prepare(string path, VisualizerConfig config)
    {
        // The configurations as they are stored: a record's own text does not tell what its lists hold.
        Action<Utf8JsonWriter>[] parts = [config.Adapter.Write, config.UNet.Write, config.Autoencoder!.Write];
        new ModelFolder(path, string.Join('\n', parts.Select(write => Encoding.UTF8.GetString(JsonFile.Bytes(write))))).Prepare(folder =>
        {
            using var model = new VisualizerModel(config, ModelFolder.Fresh());
            VisualizerFolder.Save(model, folder.Path);
        });
        return path;
    }

    /// <summary>For a step of the UNet: noisy latents and conditioning vectors.</summary>
    public static string Step(string path, VisualizerConfig config, int size)
        => Inputs(Prepare(path, config), $"unet-{size}", $"latents {size}x{size}", folder => folder.WriteInputs(
            (Latents, randn(1, config.Channels, size, size, generator: new Generator(1))),
            (Context, randn(1, config.Adapter.ConditionLength, config.UNet.CrossAttentionWidth, generator: new Generator(2)))));

    /// <summary>For decoding a picture: latents as the decoder takes them.</summary>
    public static string Decoding(string path, VisualizerConfig config, int size)
        => Inputs(Prepare(path, config), $"vae-{size}", $"latents {size}x{size}", folder => folder.WriteInputs((Latents, randn(1, config.Channels, size, size, generator: new Generator(3)))));

    /// <summary>For the adapter: visual tokens, and how often they go through it in a repeat.</summary>
    public static string Adapter(string path, VisualizerConfig config, int batch, int calls)
        => Inputs(Prepare(path, config), "adapter-inputs", $"{batch} pictures, {calls} calls", folder => folder.WriteInputs(
            (Tokens, randn(batch, config.Adapter.TokenCount, config.Adapter.InputWidth, generator: new Generator(4))),
            (Calls, tensor((long[])[calls]))));

    private static string Inputs(string path, string name, string stamp, Action<ModelFolder> write)
    {
        var folder = new ModelFolder(Path.Combine(path, name), stamp);
        folder.Prepare(write);
        return folder.Path;
    }
}
