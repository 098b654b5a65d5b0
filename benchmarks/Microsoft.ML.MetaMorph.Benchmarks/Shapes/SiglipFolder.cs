using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A SigLIP vision tower and a batch of pictures.</summary>
internal static class SiglipFolder
{
    public static ModelFolder Prepare(string path, SiglipVisionConfig config, int batch)
    {
        var folder = new ModelFolder(path, $"SigLIP {config}, {batch} pictures");
        folder.Prepare(target =>
        {
            using var model = new SiglipVisionModel(config, ModelFolder.Fresh());
            target.WriteConfig(JsonFile.Bytes(config.Write));
            target.WriteModel(model);
            target.WriteInputs(("pixels", rand(batch, config.Channels, config.ImageSize, config.ImageSize, generator: new Generator(1)) * 2 - 1));
        });
        return folder;
    }
}
