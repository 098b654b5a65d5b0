namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The sizes of a visualizer that is trained from nothing: it denoises the pixels themselves (squares of them taken as channels), or the latents
/// of an autoencoder where the trainer is given one (<see cref="VisualizerTrainer.Options.Autoencoder"/>), and sees the
/// square grid of visual tokens both where its places are, joined to its input, and by attention.
/// </summary>
/// <remarks>Ours, not the paper's: attention alone did not learn, from random weights, where things are.</remarks>
public sealed record VisualizerArchitecture
{
    /// <summary>Height and width of the pictures in pixels; a multiple of <see cref="PixelsPerSample"/>. Default: 64.</summary>
    public int ImageSize { get; init; } = 64;

    /// <summary>The side of the squares of pixels that are denoised as one, at least 1: larger is faster and coarser. Not used with an autoencoder. Default: 4.</summary>
    public int PixelsPerSample { get; init; } = 4;

    /// <summary>Channels at each resolution, from the finest, each half as high and wide as the one before; multiples of <see cref="HeadCount"/> and of 8. Default: 96, 160.</summary>
    public IReadOnlyList<int> Channels { get; init; } = [96, 160];

    /// <summary>Residual blocks at each resolution, at least 1. Default: 1.</summary>
    public int LayersPerResolution { get; init; } = 1;

    /// <summary>Attention heads, at least 1. Default: 4.</summary>
    public int HeadCount { get; init; } = 4;

    /// <summary>The width of the vectors that attention sees, at least 1. Default: 128.</summary>
    public int ConditionWidth { get; init; } = 128;

    /// <summary>Channels of the token grid that is joined to the input; 0 for none. Visual tokens must then be a square number. Default: 64.</summary>
    public int GridChannels { get; init; } = 64;

    /// <summary>The parts, for so many visual tokens of such a width.</summary>
    /// <param name="tokenCount">N.</param>
    /// <param name="tokenWidth">D.</param>
    /// <param name="autoencoder">In whose latents it denoises; null for pixels.</param>
    internal VisualizerConfig ToConfig(int tokenCount, int tokenWidth, AutoencoderKLConfig? autoencoder = null)
    {
        Validate(tokenCount, autoencoder);
        int samples = autoencoder?.LatentChannels ?? 3 * PixelsPerSample * PixelsPerSample, side = ImageSize / (autoencoder?.Downscale ?? PixelsPerSample);
        bool[] attends = [.. Channels.Select((_, level) => level == Channels.Count - 1)];
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
            },
            UNet = new UNet2DConditionConfig
            {
                SampleSize = [side],
                InputChannels = samples + GridChannels,
                OutputChannels = samples,
                BlockChannels = [.. Channels],
                LayersPerBlock = [.. Channels.Select(_ => LayersPerResolution)],
                TransformerLayers = [.. Channels.Select(_ => 1)],
                AttentionHeads = [.. Channels.Select(_ => HeadCount)],
                DownCrossAttention = attends,
                UpCrossAttention = [.. attends.Reverse()],
                NormGroups = NormGroups,
                CrossAttentionWidth = ConditionWidth,
            },
            Autoencoder = autoencoder,
            PixelUnshuffle = autoencoder is null ? PixelsPerSample : null,
            Scheduler = SchedulerConfig.CosineVelocity,
        };
    }

    // A group of 8 channels or more, at every resolution.
    private const int NormGroups = 8;

    private void Validate(int tokenCount, AutoencoderKLConfig? autoencoder)
    {
        Check(nameof(ImageSize), ImageSize, ImageSize >= 8, "at least 8");
        if (autoencoder is null) Check(nameof(PixelsPerSample), PixelsPerSample, PixelsPerSample >= 1 && ImageSize % PixelsPerSample == 0, $"a divisor of {nameof(ImageSize)} ({ImageSize})");
        else Check(nameof(ImageSize), ImageSize, ImageSize % autoencoder.Downscale == 0, $"a multiple of {autoencoder.Downscale}, the pixels of the autoencoder along a side of a latent's");
        Check(nameof(LayersPerResolution), LayersPerResolution, LayersPerResolution >= 1, "at least 1");
        Check(nameof(HeadCount), HeadCount, HeadCount >= 1, "at least 1");
        Check(nameof(ConditionWidth), ConditionWidth, ConditionWidth >= 1, "at least 1");
        Check(nameof(GridChannels), GridChannels, GridChannels >= 0, "at least 0");
        if (Channels is not { Count: > 0 }) throw new ArgumentException($"{nameof(Channels)} is empty; at least one resolution is needed.");
        foreach (int width in Channels) Check(nameof(Channels), width, width > 0 && width % HeadCount == 0 && width % NormGroups == 0, $"a multiple of {nameof(HeadCount)} ({HeadCount}) and of {NormGroups}");
        int side = (int)Math.Round(Math.Sqrt(tokenCount));
        if (GridChannels > 0 && side * side != tokenCount)
            throw new ArgumentException($"{tokenCount} visual tokens a picture form no square grid, which {nameof(GridChannels)} ({GridChannels}) needs; set it to 0, or encode pictures as a square number of tokens.");
    }

    private static void Check(string name, int value, bool isValid, string range)
    {
        if (!isValid) throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; it must be {range}.");
    }
}
