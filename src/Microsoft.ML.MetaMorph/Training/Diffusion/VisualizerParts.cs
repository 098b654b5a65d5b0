namespace Microsoft.ML.MetaMorph;

/// <summary>Which parts of a visualizer learn. The autoencoder and the image encoder never do.</summary>
public enum VisualizerParts
{
    /// <summary>The adapter and the denoising network (the paper's).</summary>
    AdapterAndDenoiser,

    /// <summary>The adapter only: the denoising network stays as it was published.</summary>
    Adapter,

    /// <summary>The denoising network only.</summary>
    Denoiser,
}
