namespace Microsoft.ML.MetaMorph;

/// <summary>The parts of a visualizer and how they fit together.</summary>
internal sealed record VisualizerConfig
{
    /// <summary>Visual tokens → condition.</summary>
    public required VisualTokenAdapterConfig Adapter { get; init; }

    /// <summary>Denoises under the condition.</summary>
    public required UNet2DConditionConfig UNet { get; init; }

    /// <summary>Pictures ↔ latents; null for a visualizer that denoises pixels.</summary>
    public AutoencoderKLConfig? Autoencoder { get; init; }

    /// <summary>The side of the squares of pixels that are denoised as one, for a visualizer without an autoencoder (<see cref="PixelUnshuffleCodec"/>).</summary>
    public int? PixelUnshuffle { get; init; }

    /// <summary>The noise schedule that it was trained with; null where none was stored.</summary>
    public SchedulerConfig? Scheduler { get; init; }

    /// <summary>Channels of what is denoised.</summary>
    public int Channels => Autoencoder?.LatentChannels ?? 3 * (PixelUnshuffle ?? 1) * (PixelUnshuffle ?? 1);

    /// <summary>Pixels of a picture beside one of what is denoised.</summary>
    public int Factor => Autoencoder?.Downscale ?? PixelUnshuffle ?? 1;

    /// <summary>Height and width of what is denoised, as in training.</summary>
    /// <exception cref="InvalidDataException">The configurations do not say.</exception>
    public (int Height, int Width) TrainedSampleSize => (UNet.SampleSize, Autoencoder?.SampleSize) switch
    {
        ([int size], _) => (size, size),
        ([int height, int width], _) => (height, width),
        (_, [int size]) => (size / Factor, size / Factor),
        (_, [int height, int width]) => (height / Factor, width / Factor),
        _ => throw new InvalidDataException("unet/config.json has no sample_size, and neither has vae/config.json, so the size of a picture is not known. Write it there: one number, or height and width."),
    };

    /// <summary>What stands behind an error of sizes that the files do not give; empty where they give all.</summary>
    public string AbsentSizes => Adapter.AbsentSizes + UNet.AbsentSizes + Autoencoder?.AbsentSizes;

    /// <summary>Height and width in pixels of the pictures that it was trained with.</summary>
    /// <exception cref="InvalidDataException">The configurations do not say.</exception>
    public (int Height, int Width) PictureSize => (TrainedSampleSize.Height * Factor, TrainedSampleSize.Width * Factor);

    /// <summary>Checks that the parts fit.</summary>
    /// <exception cref="InvalidDataException">A number of one part does not fit another's; both are named.</exception>
    public void Validate()
    {
        Adapter.Validate();
        UNet.Validate();
        Autoencoder?.Validate();
        if (Autoencoder is null && PixelUnshuffle is null) throw new InvalidDataException("A visualizer needs an autoencoder (vae), or denoises pixels (PixelUnshuffle); it has neither.");
        if (Autoencoder is { } codec && (codec.InputChannels != 3 || codec.OutputChannels != 3))
            throw new InvalidDataException($"The autoencoder (vae) takes {codec.InputChannels} channels (in_channels) and gives {codec.OutputChannels} (out_channels); pictures have 3.");
        if (Autoencoder is not null && PixelUnshuffle is not null) throw new InvalidDataException("A visualizer has an autoencoder (vae) or denoises pixels (PixelUnshuffle), not both.");
        if (PixelUnshuffle < 1) throw new InvalidDataException($"downscale_factor of the PixelUnshuffle is {PixelUnshuffle}; it must be above zero.");
        if (UNet.CrossAttentionWidth != Adapter.OutputWidth)
            throw new InvalidDataException($"The adapter gives vectors of width {Adapter.OutputWidth} ({Adapter.Keys.Named("output_dim")}), the UNet's cross-attention takes {UNet.CrossAttentionWidth} ({UNet.Keys.Named("cross_attention_dim")}): they do not belong together.");
        string grid = Adapter.GridChannels == 0 ? "" : $" and the token grid {Adapter.GridChannels} (grid_channels)";
        if (UNet.InputChannels != Channels + Adapter.GridChannels)
            throw new InvalidDataException($"The UNet takes {UNet.InputChannels} channels ({UNet.Keys.Named("in_channels")}), but what is denoised has {Channels}{grid}.");
        if (UNet.OutputChannels != Channels) throw new InvalidDataException($"The UNet gives {UNet.OutputChannels} channels ({UNet.Keys.Named("out_channels")}), but what is denoised has {Channels}.");
    }
}
