namespace Microsoft.ML.MetaMorph;

/// <summary>How a visualizer is opened and computed.</summary>
public sealed record VisualizerOptions
{
    /// <summary>
    /// A Stable Diffusion in diffusers layout that has what the visualizer's folder lacks (autoencoder, scheduler, or the network where only the
    /// adapter was trained). Null (default): the folder has all.
    /// </summary>
    public string? StableDiffusionFolder { get; init; }

    /// <summary>Which of several stored precisions is read, such as <c>fp16</c>. Null (default): the files without one in their names.</summary>
    public string? Variant { get; init; }

    /// <summary>Whether large pictures are decoded tile by tile, which takes less memory and a little more time. Default: false.</summary>
    public bool TiledDecoding { get; init; }

    /// <summary>In which element type linear layers and convolutions are computed. Default: measured.</summary>
    public Precision Precision { get; init; } = Precision.Auto;
}
