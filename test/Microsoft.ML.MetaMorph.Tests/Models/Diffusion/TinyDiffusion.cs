using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Diffusion models small enough to run in a moment.</summary>
internal static class TinyDiffusion
{
    public static UNet2DConditionConfig UNet { get; } = new()
    {
        SampleSize = [16],
        BlockChannels = [16, 24, 32],
        LayersPerBlock = [1, 2, 1],
        DownCrossAttention = [false, true, true],
        UpCrossAttention = [true, true, false],
        AttentionHeads = [2, 3, 4],
        TransformerLayers = [1, 1, 2],
        NormGroups = 8,
        CrossAttentionWidth = 20,
    };

    public static AutoencoderKLConfig Autoencoder { get; } = new() { BlockChannels = [16, 24, 24], LayersPerBlock = 1, NormGroups = 8, SampleSize = [64] };

    public static VisualTokenAdapterConfig Adapter { get; } = new() { InputWidth = 12, HiddenWidth = 28, OutputWidth = 20, TokenCount = 16, Heads = 4 };

    /// <summary>In latents, with a published adapter.</summary>
    public static VisualizerConfig Latent { get; } = new() { Adapter = Adapter, UNet = UNet, Autoencoder = Autoencoder, Scheduler = SchedulerConfig.StableDiffusion };

    /// <summary>In pixels, with positions and a grid: what is trained from nothing.</summary>
    public static VisualizerConfig Pixels { get; } = new()
    {
        Adapter = Adapter with { TokenPositions = true, GridChannels = 6, ConditionLength = 16 },
        UNet = UNet with { InputChannels = 48 + 6, OutputChannels = 48, TimeScaleShift = true },
        PixelUnshuffle = 4,
        Scheduler = SchedulerConfig.CosineVelocity,
    };

    public static FreshParameters Fresh(ulong seed = 7, ScalarType type = ScalarType.Float32) => new(CPU, new Generator(seed, CPU), type);
}
