namespace Microsoft.ML.MetaMorph;

/// <summary>Which parts of a visualizer learn. The image encoder never does.</summary>
public enum VisualizerParts
{
    /// <summary>The adapter and the denoising network (the paper's).</summary>
    AdapterAndDenoiser,

    /// <summary>The adapter only: the denoising network stays as it was published.</summary>
    Adapter,

    /// <summary>The denoising network only.</summary>
    Denoiser,

    /// <summary>
    /// The adapter, the denoising network and the autoencoder. The autoencoder learns to give the same pictures back, as in a training of its own with
    /// the default weights of its errors; the denoising error does not reach it, for the latents that are easiest to denoise say nothing of a picture.
    /// The network denoises the latents as they are in that step. For visualizers with an autoencoder.
    /// </summary>
    All,
}
