using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A visualizer in float32 that a training may change.</summary>
internal static class TrainableVisualizer
{
    /// <summary>Random weights; those of the autoencoder, where there is one, are copies.</summary>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static VisualizerModel Fresh(VisualizerConfig config, AutoencoderModel? autoencoder, TrainingMemory memory, Device device, int seed)
    {
        memory.Require("The new visualizer", parameters => new VisualizerModel(config, parameters), part: CheckpointKeys.VisualizerPart);
        using var generator = new Generator((ulong)seed, CPU);
        var fresh = new FreshParameters(device, generator);
        if (autoencoder is null) return new VisualizerModel(config, fresh);
        var copied = new CopiedParameters(autoencoder.Parameters().ToDictionary(entry => $"{AutoencoderFolder.Component}.{entry.Key}", entry => entry.Value), device);
        return new VisualizerModel(config, new FallbackParameters(copied, fresh));
    }

    /// <summary>A copy of a model.</summary>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static VisualizerModel Copy(DrawingModel previous, TrainingMemory memory, Device device)
    {
        memory.Require("A copy of the previous visualizer", parameters => new VisualizerModel(previous.Config, parameters), part: CheckpointKeys.VisualizerPart);
        return new VisualizerModel(previous.Config, new CopiedParameters(previous.Parameters().ToDictionary(entry => entry.Key, entry => entry.Value), device));
    }

    /// <summary>The visualizer of a folder; an adapter that it lacks is fresh.</summary>
    /// <param name="start">Where it lies, and for what size of pictures it is taken.</param>
    /// <param name="newAdapter">The adapter where there is none.</param>
    /// <param name="memory">Told what the training takes.</param>
    /// <param name="device">Where to train.</param>
    /// <param name="seed">Of what is fresh.</param>
    /// <exception cref="ArgumentException">The network cannot draw pictures of that size.</exception>
    /// <exception cref="InvalidDataException">A part is missing or of another shape.</exception>
    /// <exception cref="InsufficientMemoryException">Training it needs more memory than there is.</exception>
    public static VisualizerModel FromFolder(VisualizerStart start, VisualTokenAdapterConfig newAdapter, TrainingMemory memory, Device device, int seed)
    {
        using VisualizerCheckpoint checkpoint = VisualizerFolder.Open(start.Folder, start.StableDiffusionFolder, start.Variant, newAdapter);
        VisualizerConfig config = start.ImageSize is { } size ? Resized(checkpoint.Config, size) : checkpoint.Config;
        memory.Require(checkpoint.Weights, CheckpointKeys.VisualizerPart);
        StoredParameters.Check(checkpoint.Weights, parameters => new VisualizerModel(config, new FallbackParameters(parameters, new MetaParameters())), hint: config.AbsentSizes);
        using var generator = new Generator((ulong)seed, CPU);
        var stored = new OwnedParameters(new StoredParameters(checkpoint.Weights, device, ScalarType.Float32, trainable: true));
        return new VisualizerModel(config, new FallbackParameters(stored, new FreshParameters(device, generator)));
    }

    /// <summary>Height and width in pixels of the pictures that a visualizer learns.</summary>
    /// <exception cref="InvalidDataException">Its pictures are not square.</exception>
    public static int Side(VisualizerConfig config)
    {
        (int height, int width) = config.PictureSize;
        return height == width ? height : throw new InvalidDataException(
            $"The visualizer was made for pictures of {width}x{height} pixels (sample_size of unet/config.json); training is for square ones. Set {nameof(VisualizerTrainer.Options.ImageSize)} with {nameof(VisualizerTrainer.Options.PretrainedFolder)}.");
    }

    /// <summary>The same visualizer for square pictures of another size, which its sample_size tells from now on.</summary>
    private static VisualizerConfig Resized(VisualizerConfig config, int size)
    {
        // Refuses what does not divide, in the words of drawing.
        DrawingPlan.Size(new ImageGenerationOptions { Height = size, Width = size }, start: null, (size, size), config.Factor, VisualizerModel.SideMultiple);
        return config with { UNet = config.UNet with { SampleSize = [size / config.Factor] } };
    }
}

/// <summary>The visualizer that a training starts from.</summary>
/// <param name="Folder">A visualizer, or a Stable Diffusion.</param>
/// <param name="StableDiffusionFolder">A folder that has what the first lacks; null for none.</param>
/// <param name="Variant">Which of several stored precisions; null for the plain files.</param>
/// <param name="ImageSize">Height and width in pixels of the pictures to learn; null for those that it was made for.</param>
internal sealed record VisualizerStart(string Folder, string? StableDiffusionFolder, string? Variant, int? ImageSize);
