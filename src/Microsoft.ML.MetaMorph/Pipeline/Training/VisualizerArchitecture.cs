using static Microsoft.ML.MetaMorph.OptionRange;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The sizes of a visualizer that is trained from nothing: it denoises the pixels themselves (squares of them taken as channels), or the latents
/// of an autoencoder where the trainer is given one (<see cref="VisualizerTrainer.Options.Autoencoder"/>), and sees the
/// square grid of visual tokens where its places are, joined to its input, and by attention if asked for.
/// </summary>
/// <remarks>
/// Ours, not the paper's: attention alone did not learn, from random weights, where things are, and beside the grid it cost more time than
/// it gave. The defaults are those that learned to draw small pictures of simple things in a minute or two on two processor cores.
/// </remarks>
public sealed record VisualizerArchitecture
{
    /// <summary>Height and width of the pictures in pixels; a multiple of <see cref="PixelsPerSample"/>. Default: 64.</summary>
    public int ImageSize { get; init; } = 64;

    /// <summary>The side of the squares of pixels that are denoised as one, at least 1: larger is faster and coarser. Not used with an autoencoder. Default: 4.</summary>
    public int PixelsPerSample { get; init; } = 4;

    /// <summary>Channels at each resolution, from the finest, each half as high and wide as the one before; multiples of <see cref="HeadCount"/> and of 8. Default: 64, one resolution.</summary>
    public IReadOnlyList<int> Channels { get; init; } = [64];

    /// <summary>Residual blocks at each resolution, at least 1. Default: 1.</summary>
    public int LayersPerResolution { get; init; } = 1;

    /// <summary>Whether two more residual blocks stand between the way down and the way up, with attention between them where there is any. Default: false.</summary>
    public bool HasMiddleBlock { get; init; }

    /// <summary>Attention heads at the coarsest resolution; 0 for no attention, and tokens are seen by the grid alone. Default: 0.</summary>
    public int HeadCount { get; init; }

    /// <summary>The width of the vectors that the tokens become, for the grid and for attention; at least 1. Default: 128.</summary>
    public int ConditionWidth { get; init; } = 128;

    /// <summary>Channels of the token grid that is joined to the input; 0 for none. Visual tokens must then be a square number. Default: 64.</summary>
    public int GridChannels { get; init; } = 64;

    /// <summary>
    /// Places along each side of the grid that one token becomes, each by weights of its own, at least 1; then the grid is brought to the
    /// input's size. Null (default): the fewest with which it need not be enlarged.
    /// </summary>
    public int? GridScale { get; init; }

    /// <summary>
    /// What the network says about a noisy picture. Default: the clean picture, which a network narrower than the squares of pixels can say;
    /// noise and velocity have to pass through it unharmed.
    /// </summary>
    public DiffusionPrediction Prediction { get; init; } = DiffusionPrediction.Sample;

    /// <summary>The parts, for so many visual tokens of such a width.</summary>
    /// <param name="tokenCount">N.</param>
    /// <param name="tokenWidth">D.</param>
    /// <param name="autoencoder">In whose latents it denoises; null for pixels.</param>
    internal VisualizerConfig ToConfig(int tokenCount, int tokenWidth, AutoencoderKLConfig? autoencoder = null)
    {
        Validate(tokenCount, autoencoder);
        int samples = autoencoder?.LatentChannels ?? 3 * PixelsPerSample * PixelsPerSample, side = ImageSize / (autoencoder?.Downscale ?? PixelsPerSample);
        bool[] attends = [.. Channels.Select((_, level) => HeadCount > 0 && level == Channels.Count - 1)];
        return new VisualizerConfig
        {
            Adapter = new VisualTokenAdapterConfig
            {
                InputWidth = tokenWidth,
                HiddenWidth = ConditionWidth,
                OutputWidth = ConditionWidth,
                TokenCount = tokenCount,
                ConditionLength = tokenCount,
                TokenPositions = true,
                GridChannels = GridChannels,
                GridScale = GridChannels == 0 ? 1 : GridScale ?? Enlargement(SquareGrid.SideOf(tokenCount)!.Value, side),
            },
            UNet = new UNet2DConditionConfig
            {
                SampleSize = [side],
                InputChannels = samples + GridChannels,
                OutputChannels = samples,
                BlockChannels = [.. Channels],
                LayersPerBlock = [.. Channels.Select(_ => LayersPerResolution)],
                TransformerLayers = [.. Channels.Select(_ => 1)],
                AttentionHeads = [.. Channels.Select(_ => Math.Max(HeadCount, 1))],
                MidCrossAttention = HasMiddleBlock ? HeadCount > 0 : null,
                DownCrossAttention = attends,
                UpCrossAttention = [.. attends.Reverse()],
                NormGroups = NormGroups,
                CrossAttentionWidth = ConditionWidth,
            },
            Autoencoder = autoencoder,
            PixelUnshuffle = autoencoder is null ? PixelsPerSample : null,
            Scheduler = SchedulerConfig.CosineVelocity with { Prediction = Prediction },
        };
    }

    // A group of 8 channels or more, at every resolution.
    private const int NormGroups = 8;

    /// <summary>How much larger a row of places is than one of tokens, rounded up.</summary>
    private static int Enlargement(int tokens, int places) => Math.Max((places + tokens - 1) / tokens, 1);

    private void Validate(int tokenCount, AutoencoderKLConfig? autoencoder)
    {
        Check(nameof(ImageSize), ImageSize, ImageSize >= 8, "at least 8");
        if (autoencoder is null) Check(nameof(PixelsPerSample), PixelsPerSample, PixelsPerSample >= 1 && ImageSize % PixelsPerSample == 0, $"a divisor of {nameof(ImageSize)} ({ImageSize})");
        else Check(nameof(ImageSize), ImageSize, ImageSize % autoencoder.Downscale == 0, $"a multiple of {autoencoder.Downscale}, the pixels of the autoencoder along a side of a latent's");
        Check(nameof(LayersPerResolution), LayersPerResolution, LayersPerResolution >= 1, "at least 1");
        Check(nameof(HeadCount), HeadCount, HeadCount > 0 || (HeadCount == 0 && GridChannels > 0), $"above 0, or 0 where {nameof(GridChannels)} is above 0: without both, the network is not told the tokens");
        Check(nameof(ConditionWidth), ConditionWidth, ConditionWidth >= 1, "at least 1");
        Check(nameof(GridChannels), GridChannels, GridChannels >= 0, "at least 0");
        Check(nameof(GridScale), GridScale ?? 1, GridScale is null or >= 1, "at least 1");
        Check(nameof(Prediction), Prediction);
        if (Channels is not { Count: > 0 }) throw new ArgumentException($"{nameof(Channels)} is empty; at least one resolution is needed.");
        foreach (int width in Channels) Check(nameof(Channels), width, width > 0 && width % Math.Max(HeadCount, 1) == 0 && width % NormGroups == 0, HeadCount > 1 ? $"a multiple of {nameof(HeadCount)} ({HeadCount}) and of {NormGroups}" : $"a multiple of {NormGroups}");
        if (GridChannels > 0 && SquareGrid.SideOf(tokenCount) is null)
            throw new ArgumentException($"{tokenCount} visual tokens a picture form no square grid, which {nameof(GridChannels)} ({GridChannels}) needs; set it to 0, or encode pictures as a square number of tokens.");
    }
}
