using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>An autoencoder in float32 that a training may change.</summary>
internal static class TrainableAutoencoder
{
    /// <summary>Random weights.</summary>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static AutoencoderKL Fresh(AutoencoderKLConfig config, TrainingMemory memory, Device device, int seed)
    {
        memory.Require("The new autoencoder", parameters => new AutoencoderKL(config, parameters), part: CheckpointKeys.AutoencoderPart);
        using var generator = new Generator((ulong)seed, CPU);
        return new AutoencoderKL(config, new FreshParameters(device, generator));
    }

    /// <summary>A copy of a model.</summary>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static AutoencoderKL Copy(AutoencoderModel previous, int? size, TrainingMemory memory, Device device)
    {
        AutoencoderKLConfig config = Sized(previous.Config, size);
        memory.Require("A copy of the previous autoencoder", parameters => new AutoencoderKL(config, parameters), part: CheckpointKeys.AutoencoderPart);
        return new AutoencoderKL(config, new CopiedParameters(previous.Parameters().ToDictionary(entry => entry.Key, entry => entry.Value), device));
    }

    /// <summary>The autoencoder of a folder.</summary>
    /// <exception cref="InvalidDataException">There is none, or it is of another shape.</exception>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static AutoencoderKL FromFolder(string folder, string? variant, int? size, TrainingMemory memory, Device device)
    {
        (AutoencoderKLConfig stored, TensorArchive weights) = AutoencoderFolder.Open(folder, variant);
        using (weights)
        {
            memory.Require(weights, CheckpointKeys.AutoencoderPart);
            return new AutoencoderKL(Sized(stored, size), new OwnedParameters(new StoredParameters(weights, device, ScalarType.Float32, trainable: true)));
        }
    }

    private static AutoencoderKLConfig Sized(AutoencoderKLConfig config, int? size) => size is { } side ? config with { SampleSize = [side] } : config;
}
