using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A visualizer in float32 that a training may change.</summary>
internal static class TrainableVisualizer
{
    /// <summary>Random weights; those of the autoencoder, where there is one, are copies.</summary>
    public static VisualizerModel Fresh(VisualizerConfig config, AutoencoderModel? autoencoder, TrainingMemory memory, Device device, int seed)
    {
        memory.Require("The new visualizer", parameters => new VisualizerModel(config, parameters));
        using var generator = new Generator((ulong)seed, CPU);
        var fresh = new FreshParameters(device, generator);
        if (autoencoder is null) return new VisualizerModel(config, fresh);
        var copied = new CopiedParameters(autoencoder.Parameters().ToDictionary(entry => $"{AutoencoderFolder.Component}.{entry.Key}", entry => entry.Value), device);
        return new VisualizerModel(config, new FallbackParameters(copied, fresh));
    }

    /// <summary>A copy of a model.</summary>
    public static VisualizerModel Copy(DrawingModel previous, Device device)
        => new(previous.Config, new CopiedParameters(previous.Parameters().ToDictionary(entry => entry.Key, entry => entry.Value), device));

    /// <summary>The visualizer of a folder; an adapter that it lacks is fresh.</summary>
    /// <param name="folder">A visualizer, or a Stable Diffusion.</param>
    /// <param name="stableDiffusion">A folder that has what the first lacks; null for none.</param>
    /// <param name="newAdapter">The adapter where there is none.</param>
    /// <param name="memory">Told what the training takes.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="seed">Of what is fresh.</param>
    /// <exception cref="InvalidDataException">A part is missing or of another shape.</exception>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static VisualizerModel FromFolder(string folder, string? stableDiffusion, VisualTokenAdapterConfig newAdapter, TrainingMemory memory, Device device, int seed)
    {
        using VisualizerCheckpoint checkpoint = VisualizerFolder.Open(folder, stableDiffusion, newAdapter: newAdapter);
        memory.Require(checkpoint.Weights);
        StoredParameters.Check(checkpoint.Weights, parameters => new VisualizerModel(checkpoint.Config, new FallbackParameters(parameters, new MetaParameters())), hint: checkpoint.Config.AbsentSizes);
        using var generator = new Generator((ulong)seed, CPU);
        var stored = new OwnedParameters(new StoredParameters(checkpoint.Weights, device, ScalarType.Float32, trainable: true));
        return new VisualizerModel(checkpoint.Config, new FallbackParameters(stored, new FreshParameters(device, generator)));
    }
}
