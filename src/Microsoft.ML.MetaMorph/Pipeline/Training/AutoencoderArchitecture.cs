namespace Microsoft.ML.MetaMorph;

/// <summary>The sizes of an autoencoder that is trained from nothing.</summary>
public sealed record AutoencoderArchitecture
{
    // A group of 8 channels or more, at every resolution.
    private const int NormGroups = 8;

    /// <summary>Height and width of the pictures in pixels; a multiple of 2 to the power of the halvings, which are one fewer than <see cref="Channels"/>. Default: 64.</summary>
    public int ImageSize { get; init; } = 64;

    /// <summary>Channels at each resolution, from the finest, each half as high and wide as the one before; multiples of 8. Default: 24, 48, 64, so that 64 pixels become 16.</summary>
    public IReadOnlyList<int> Channels { get; init; } = [24, 48, 64];

    /// <summary>Channels of a latent, at least 1. Default: 4.</summary>
    public int LatentChannels { get; init; } = 4;

    /// <summary>Residual blocks at each resolution of the encoder, at least 1; the decoder has one more. Default: 1.</summary>
    public int LayersPerResolution { get; init; } = 1;

    /// <summary>Whether the smallest resolution has attention, as Stable Diffusion's autoencoder has. Default: false.</summary>
    public bool MidAttention { get; init; }

    /// <summary>The shape.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of range; it is named with its value and range.</exception>
    internal AutoencoderKLConfig ToConfig()
    {
        if (Channels is not { Count: > 0 }) throw new ArgumentException($"{nameof(Channels)} is empty; at least one resolution is needed.");
        foreach (int width in Channels) Check(nameof(Channels), width, width > 0 && width % NormGroups == 0, $"a multiple of {NormGroups}");
        int multiple = 1 << (Channels.Count - 1);
        Check(nameof(ImageSize), ImageSize, ImageSize >= multiple && ImageSize % multiple == 0, $"a multiple of {multiple} ({Channels.Count - 1} halvings)");
        Check(nameof(LatentChannels), LatentChannels, LatentChannels >= 1, "at least 1");
        Check(nameof(LayersPerResolution), LayersPerResolution, LayersPerResolution >= 1, "at least 1");
        return new AutoencoderKLConfig
        {
            BlockChannels = [.. Channels],
            LayersPerBlock = LayersPerResolution,
            LatentChannels = LatentChannels,
            NormGroups = NormGroups,
            SampleSize = [ImageSize],
            MidAttention = MidAttention,
            // Measured at the end of the training.
            ScalingFactor = 1,
        };
    }

    private static void Check(string name, int value, bool isValid, string range)
    {
        if (!isValid) throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; it must be {range}.");
    }
}
