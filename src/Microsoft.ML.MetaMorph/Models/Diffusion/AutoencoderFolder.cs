using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Autoencoders in folders: <c>vae</c> of a diffusers folder, or such a folder itself.</summary>
internal static class AutoencoderFolder
{
    public const string Component = "vae", ConfigName = "config.json", WeightsStem = "diffusion_pytorch_model";

    /// <summary>Opens an autoencoder; only names, shapes and the configuration are read.</summary>
    /// <param name="folder">A diffusers folder, its <c>vae</c>, or a model of the Hugging Face cache.</param>
    /// <param name="variant">Which of several stored precisions is read, such as <c>fp16</c>; null for the plain files.</param>
    /// <returns>The configuration and the weights, which are the caller's to dispose.</returns>
    /// <exception cref="InvalidDataException">There is no autoencoder, or it is unusable; the message names file and numbers.</exception>
    /// <exception cref="NotSupportedException">An option that this library does not compute, by name.</exception>
    public static (AutoencoderKLConfig Config, TensorArchive Weights) Open(string folder, string? variant = null)
    {
        folder = PretrainedFolder.Resolve(folder);
        string path = new ComponentFolders(Path.Combine(folder, Component), folder).Find(ConfigName) ?? throw new InvalidDataException($"'{folder}' has no autoencoder. Looked for: {Component}/{ConfigName}, {ConfigName}.");
        if (JsonFile.Read(path, json => ConfigJson.Text(json, "_class_name")) is var kind && kind != AutoencoderKLConfig.ClassName)
            throw new InvalidDataException($"'{path}' describes {(kind is null ? "no class (_class_name)" : $"a {kind}")}; {AutoencoderKLConfig.ClassName} is needed.");
        return OpenComponent(Path.GetDirectoryName(path)!, variant);
    }

    /// <summary>Opens the folder in which configuration and weights of an autoencoder lie.</summary>
    /// <param name="component">The folder itself.</param>
    /// <param name="variant">Such as <c>fp16</c>; null for the plain files.</param>
    public static (AutoencoderKLConfig Config, TensorArchive Weights) OpenComponent(string component, string? variant)
        => (JsonFile.Read(Path.Combine(component, ConfigName), AutoencoderKLConfig.FromJson), CheckpointKeys.ForAutoencoder(TensorArchive.Open(component, variant)));

    /// <summary>Writes <c>vae</c> into a folder; files of the same names are replaced.</summary>
    public static void Save(AutoencoderKL model, string folder, ScalarType? elementType = null, long maxShardBytes = SafeTensorsWriter.DefaultShardBytes)
    {
        string path = Path.Combine(folder, Component);
        JsonFile.Write(Path.Combine(path, ConfigName), model.Config.Write);
        SafeTensorsWriter.WriteSharded(path, model.named_parameters().Select(p => KeyValuePair.Create<string, Tensor>(p.name, p.parameter)), maxShardBytes, elementType, WeightsStem);
    }
}
