using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The shape of a picture autoencoder as Stable Diffusion publishes it (diffusers' <c>AutoencoderKL</c>). Defaults are those of diffusers.</summary>
internal sealed record AutoencoderKLConfig
{
    public const string ClassName = "AutoencoderKL";

    private const string EncoderBlock = "DownEncoderBlock2D", DecoderBlock = "UpDecoderBlock2D";

    private static readonly HashSet<string> Computed = new(StringComparer.Ordinal)
    {
        "in_channels", "out_channels", "down_block_types", "up_block_types", "block_out_channels", "layers_per_block", "act_fn", "latent_channels",
        "norm_num_groups", "sample_size", "scaling_factor", "shift_factor", "force_upcast", "use_quant_conv", "use_post_quant_conv", "mid_block_add_attention",
    };

    private static readonly Dictionary<string, string[]> Neutral = new(StringComparer.Ordinal) { ["latents_mean"] = ["null"], ["latents_std"] = ["null"] };

    /// <summary>The autoencoder of Stable Diffusion 1.x.</summary>
    public static AutoencoderKLConfig StableDiffusion15 { get; } = new() { BlockChannels = [128, 256, 512, 512], LayersPerBlock = 2, SampleSize = [512] };

    /// <summary>Channels of a picture, <c>in_channels</c>.</summary>
    public int InputChannels { get; init; } = 3;

    /// <summary>Channels of a decoded picture, <c>out_channels</c>.</summary>
    public int OutputChannels { get; init; } = 3;

    /// <summary>Channels at each resolution, <c>block_out_channels</c>.</summary>
    public int[] BlockChannels { get; init; } = [64];

    /// <summary>Residual blocks at each resolution of the encoder, <c>layers_per_block</c>; one more in the decoder.</summary>
    public int LayersPerBlock { get; init; } = 1;

    /// <summary><c>act_fn</c>.</summary>
    public string Activation { get; init; } = "silu";

    /// <summary>Channels of a latent, <c>latent_channels</c>.</summary>
    public int LatentChannels { get; init; } = 4;

    /// <summary><c>norm_num_groups</c>.</summary>
    public int NormGroups { get; init; } = 32;

    /// <summary>The size it was trained at, in pixels, <c>sample_size</c>: one number, or height and width.</summary>
    public int[] SampleSize { get; init; } = [32];

    /// <summary>Latents are multiplied by it before they are denoised, so that they vary by about 1, <c>scaling_factor</c>.</summary>
    public double ScalingFactor { get; init; } = 0.18215;

    /// <summary>It is taken from latents before they are scaled, <c>shift_factor</c>.</summary>
    public double? ShiftFactor { get; init; }

    /// <summary><c>force_upcast</c>; it is computed in float32 in any case.</summary>
    public bool ForceUpcast { get; init; } = true;

    /// <summary>A convolution of one pixel behind the encoder, <c>use_quant_conv</c>.</summary>
    public bool QuantConvolution { get; init; } = true;

    /// <summary>A convolution of one pixel before the decoder, <c>use_post_quant_conv</c>.</summary>
    public bool PostQuantConvolution { get; init; } = true;

    /// <summary>Attention in the smallest resolution, <c>mid_block_add_attention</c>.</summary>
    public bool MidAttention { get; init; } = true;

    /// <summary>Pixels of a picture beside one of its latent.</summary>
    public int Downscale => 1 << (BlockChannels.Length - 1);

    /// <summary>Which values a file gave, for messages.</summary>
    public ConfigKeys Keys { get; init; } = ConfigKeys.All;

    /// <summary>Reads the published layout.</summary>
    /// <exception cref="NotSupportedException">An option that changes the result and is not computed here, by name.</exception>
    /// <exception cref="InvalidDataException">A value is unusable, or two do not fit.</exception>
    public static AutoencoderKLConfig FromJson(JsonElement json)
    {
        DiffusersOptions.Check(json, ClassName, Computed, Neutral);
        var absent = new AutoencoderKLConfig();
        int[] channels = ConfigJson.TryGet(json, "block_out_channels", out _) ? ConfigJson.Integers(json, "block_out_channels") : absent.BlockChannels;
        CheckBlocks(json, "down_block_types", EncoderBlock, channels.Length);
        CheckBlocks(json, "up_block_types", DecoderBlock, channels.Length);
        var config = new AutoencoderKLConfig
        {
            Keys = ConfigKeys.Of(json),
            InputChannels = ConfigJson.Size(json, "in_channels", absent.InputChannels),
            OutputChannels = ConfigJson.Size(json, "out_channels", absent.OutputChannels),
            BlockChannels = channels,
            LayersPerBlock = ConfigJson.Size(json, "layers_per_block", absent.LayersPerBlock),
            Activation = ConfigJson.Text(json, "act_fn") ?? absent.Activation,
            LatentChannels = ConfigJson.Size(json, "latent_channels", absent.LatentChannels),
            NormGroups = ConfigJson.Size(json, "norm_num_groups", absent.NormGroups),
            SampleSize = ConfigJson.TryGet(json, "sample_size", out _) ? ConfigJson.Integers(json, "sample_size") : absent.SampleSize,
            ScalingFactor = ConfigJson.Number(json, "scaling_factor", absent.ScalingFactor),
            ShiftFactor = ConfigJson.TryGet(json, "shift_factor", out _) ? ConfigJson.Number(json, "shift_factor") : null,
            ForceUpcast = ConfigJson.Flag(json, "force_upcast", absent: true),
            QuantConvolution = ConfigJson.Flag(json, "use_quant_conv", absent: true),
            PostQuantConvolution = ConfigJson.Flag(json, "use_post_quant_conv", absent: true),
            MidAttention = ConfigJson.Flag(json, "mid_block_add_attention", absent: true),
        };
        config.Validate();
        return config;
    }

    /// <summary>Writes the config as one object, in the published layout.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("_class_name", ClassName);
        writer.WriteNumber("in_channels", InputChannels);
        writer.WriteNumber("out_channels", OutputChannels);
        DiffusersOptions.WriteList(writer, "down_block_types", Enumerable.Repeat(EncoderBlock, BlockChannels.Length));
        DiffusersOptions.WriteList(writer, "up_block_types", Enumerable.Repeat(DecoderBlock, BlockChannels.Length));
        DiffusersOptions.WriteList(writer, "block_out_channels", BlockChannels);
        writer.WriteNumber("layers_per_block", LayersPerBlock);
        writer.WriteString("act_fn", Activation);
        writer.WriteNumber("latent_channels", LatentChannels);
        writer.WriteNumber("norm_num_groups", NormGroups);
        DiffusersOptions.WriteSize(writer, "sample_size", SampleSize);
        writer.WriteNumber("scaling_factor", ScalingFactor);
        if (ShiftFactor is { } shift) writer.WriteNumber("shift_factor", shift);
        writer.WriteBoolean("force_upcast", ForceUpcast);
        writer.WriteBoolean("use_quant_conv", QuantConvolution);
        writer.WriteBoolean("use_post_quant_conv", PostQuantConvolution);
        writer.WriteBoolean("mid_block_add_attention", MidAttention);
        writer.WriteEndObject();
    }

    /// <summary>What stands behind an error of sizes that the file does not give; empty where it gives all.</summary>
    public string AbsentSizes => Keys.Sentence("vae/config.json", ("block_out_channels", $"[{string.Join(", ", BlockChannels)}]"), ("layers_per_block", LayersPerBlock), ("latent_channels", LatentChannels));

    /// <summary>Checks what the model relies on.</summary>
    /// <exception cref="InvalidDataException">A number does not fit another; both are named.</exception>
    /// <exception cref="NotSupportedException">An activation that this library does not compute.</exception>
    public void Validate()
    {
        if (BlockChannels.Length == 0 || BlockChannels.Any(c => c < 1)) throw new InvalidDataException("config.json: block_out_channels must hold at least one number above zero.");
        foreach (int channels in BlockChannels)
        {
            if (channels % NormGroups != 0) throw new InvalidDataException($"config.json: block_out_channels {channels}{Keys.Note("block_out_channels")} is not a multiple of norm_num_groups {NormGroups}{Keys.Note("norm_num_groups")}.");
        }
        if (ScalingFactor == 0) throw new InvalidDataException("config.json: scaling_factor is 0.");
        HiddenActivation.Named(Activation);
    }

    private static void CheckBlocks(JsonElement json, string key, string supported, int count)
    {
        string[] types = DiffusersOptions.Texts(json, key, [.. Enumerable.Repeat(supported, count)]);
        if (types.FirstOrDefault(t => t != supported) is { } other) throw new NotSupportedException($"config.json: the block type \"{other}\" ({key}) is not supported. Supported: {supported}.");
        if (types.Length != count) throw new InvalidDataException($"config.json: {key} has {types.Length} entries, block_out_channels {count}; they must be equal.");
    }
}
