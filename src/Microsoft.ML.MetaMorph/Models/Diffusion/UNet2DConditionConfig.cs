using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The shape of a UNet that denoises under a condition, as Stable Diffusion 1.x and 2.x publish it (diffusers' <c>UNet2DConditionModel</c>).</summary>
/// <remarks>Defaults are those of diffusers; <see cref="StableDiffusion15"/> is the published model.</remarks>
internal sealed record UNet2DConditionConfig
{
    public const string ClassName = "UNet2DConditionModel";

    private const string CrossAttentionDown = "CrossAttnDownBlock2D", Down = "DownBlock2D", CrossAttentionUp = "CrossAttnUpBlock2D", Up = "UpBlock2D";
    private const string CrossAttentionMid = "UNetMidBlock2DCrossAttn", PlainMid = "UNetMidBlock2D";

    /// <summary>The UNet of Stable Diffusion 1.5.</summary>
    public static UNet2DConditionConfig StableDiffusion15 { get; } = new() { SampleSize = [64], CrossAttentionWidth = 768 };

    /// <summary>The size it was trained at, in its own pixels, <c>sample_size</c>: none, one number, or height and width. Any size can be denoised.</summary>
    public int[] SampleSize { get; init; } = [];

    /// <summary><c>in_channels</c>.</summary>
    public int InputChannels { get; init; } = 4;

    /// <summary><c>out_channels</c>.</summary>
    public int OutputChannels { get; init; } = 4;

    /// <summary>The input is stretched from 0…1 to −1…1, <c>center_input_sample</c>.</summary>
    public bool CenterInputSample { get; init; }

    /// <summary>Cosines before sines in the embedding of the timestep, <c>flip_sin_to_cos</c>.</summary>
    public bool FlipSineToCosine { get; init; } = true;

    /// <summary><c>freq_shift</c>.</summary>
    public double FrequencyShift { get; init; }

    /// <summary>Whether each block on the way down has cross-attention, <c>down_block_types</c>.</summary>
    public bool[] DownCrossAttention { get; init; } = [true, true, true, false];

    /// <summary>Whether each block on the way up has cross-attention, <c>up_block_types</c>.</summary>
    public bool[] UpCrossAttention { get; init; } = [false, true, true, true];

    /// <summary>The block in the middle, <c>mid_block_type</c>: true with cross-attention, false without, null for none.</summary>
    public bool? MidCrossAttention { get; init; } = true;

    /// <summary>Channels at each resolution, <c>block_out_channels</c>.</summary>
    public int[] BlockChannels { get; init; } = [320, 640, 1280, 1280];

    /// <summary>Residual blocks at each resolution on the way down, <c>layers_per_block</c>; one more on the way up.</summary>
    public int[] LayersPerBlock { get; init; } = [2, 2, 2, 2];

    /// <summary>Zeros around a picture before it is halved, <c>downsample_padding</c>: 1, or 0 for one row and column behind it.</summary>
    public int DownsamplePadding { get; init; } = 1;

    /// <summary><c>mid_block_scale_factor</c>.</summary>
    public double MidBlockScale { get; init; } = 1;

    /// <summary>The probability that training drops an activation before the second convolution of a residual block, <c>dropout</c>; drawing never does.</summary>
    public double Dropout { get; init; }

    /// <summary><c>act_fn</c>.</summary>
    public string Activation { get; init; } = "silu";

    /// <summary><c>norm_num_groups</c>.</summary>
    public int NormGroups { get; init; } = 32;

    /// <summary><c>norm_eps</c>.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>The width of a conditioning vector, <c>cross_attention_dim</c>.</summary>
    public int CrossAttentionWidth { get; init; } = 1280;

    /// <summary>Transformer blocks after each residual block, <c>transformer_layers_per_block</c>.</summary>
    public int[] TransformerLayers { get; init; } = [1, 1, 1, 1];

    /// <summary>The same for the way up, from the smallest resolution; null means as on the way down, <c>reverse_transformer_layers_per_block</c>.</summary>
    public int[]? ReverseTransformerLayers { get; init; }

    /// <summary>Attention <em>heads</em> at each resolution. They are published as <c>attention_head_dim</c>: the name is wrong, and kept.</summary>
    public int[] AttentionHeads { get; init; } = [8, 8, 8, 8];

    /// <summary>Whether the first attention of a block also looks at the condition only, <c>only_cross_attention</c>.</summary>
    public bool OnlyCrossAttention { get; init; }

    /// <summary>Projections around the transformer blocks are stored as matrices, not as convolutions, <c>use_linear_projection</c>.</summary>
    public bool UseLinearProjection { get; init; }

    /// <summary><c>upcast_attention</c>; attention is computed in float32 in any case.</summary>
    public bool UpcastAttention { get; init; }

    /// <summary>The timestep scales and shifts the normalised activation, instead of being added before, <c>resnet_time_scale_shift</c>.</summary>
    public bool TimeScaleShift { get; init; }

    /// <summary>The width of the embedded timestep; null means four times the first channels, <c>time_embedding_dim</c>.</summary>
    public int? TimeEmbeddingWidth { get; init; }

    /// <summary>An activation of the embedded timestep before all blocks, <c>time_embedding_act_fn</c>.</summary>
    public string? TimeEmbeddingActivation { get; init; }

    /// <summary>An activation at the end of the timestep's embedding, <c>timestep_post_act</c>.</summary>
    public string? TimestepPostActivation { get; init; }

    /// <summary><c>conv_in_kernel</c>.</summary>
    public int InputKernel { get; init; } = 3;

    /// <summary><c>conv_out_kernel</c>.</summary>
    public int OutputKernel { get; init; } = 3;

    /// <summary>The width of the embedded timestep.</summary>
    public int TimeWidth => TimeEmbeddingWidth ?? 4 * BlockChannels[0];

    /// <summary>By how much the smallest resolution is smaller than the input.</summary>
    public int Downscale => 1 << (BlockChannels.Length - 1);

    /// <summary>Transformer layers on the way up, from the smallest resolution.</summary>
    public int[] UpTransformerLayers => ReverseTransformerLayers ?? [.. TransformerLayers.Reverse()];

    /// <summary>Which values a file gave, for messages.</summary>
    public ConfigKeys Keys { get; init; } = ConfigKeys.All;

    /// <summary>Reads the published layout.</summary>
    /// <exception cref="NotSupportedException">An option that changes the result and is not computed here, by name.</exception>
    /// <exception cref="InvalidDataException">A value is unusable, or two do not fit.</exception>
    public static UNet2DConditionConfig FromJson(JsonElement json)
    {
        UNet2DConditionOptions.Check(json);
        var absent = new UNet2DConditionConfig();
        int[] channels = ConfigJson.TryGet(json, "block_out_channels", out _) ? ConfigJson.Integers(json, "block_out_channels") : absent.BlockChannels;
        int blocks = channels.Length;
        var config = new UNet2DConditionConfig
        {
            Keys = ConfigKeys.Of(json),
            SampleSize = ConfigJson.Integers(json, "sample_size"),
            InputChannels = ConfigJson.Size(json, "in_channels", absent.InputChannels),
            OutputChannels = ConfigJson.Size(json, "out_channels", absent.OutputChannels),
            CenterInputSample = ConfigJson.Flag(json, "center_input_sample", absent: false),
            FlipSineToCosine = ConfigJson.Flag(json, "flip_sin_to_cos", absent: true),
            FrequencyShift = ConfigJson.Number(json, "freq_shift", 0),
            DownCrossAttention = Attends(json, "down_block_types", [CrossAttentionDown, CrossAttentionDown, CrossAttentionDown, Down], CrossAttentionDown, Down),
            UpCrossAttention = Attends(json, "up_block_types", [Up, CrossAttentionUp, CrossAttentionUp, CrossAttentionUp], CrossAttentionUp, Up),
            MidCrossAttention = Mid(json),
            BlockChannels = channels,
            LayersPerBlock = DiffusersOptions.PerBlock(json, "layers_per_block", blocks, 2),
            DownsamplePadding = ConfigJson.Integer(json, "downsample_padding", 1),
            MidBlockScale = ConfigJson.Number(json, "mid_block_scale_factor", 1),
            Dropout = ConfigJson.Number(json, "dropout", 0),
            Activation = ConfigJson.Text(json, "act_fn") ?? absent.Activation,
            NormGroups = ConfigJson.Size(json, "norm_num_groups", absent.NormGroups),
            NormEpsilon = ConfigJson.Number(json, "norm_eps", absent.NormEpsilon),
            CrossAttentionWidth = OneWidth(DiffusersOptions.PerBlock(json, "cross_attention_dim", blocks, absent.CrossAttentionWidth)),
            TransformerLayers = DiffusersOptions.PerBlock(json, "transformer_layers_per_block", blocks, 1),
            ReverseTransformerLayers = ConfigJson.TryGet(json, "reverse_transformer_layers_per_block", out _) ? DiffusersOptions.PerBlock(json, "reverse_transformer_layers_per_block", blocks, 1) : null,
            AttentionHeads = DiffusersOptions.PerBlock(json, "attention_head_dim", blocks, 8),
            OnlyCrossAttention = ConfigJson.Flag(json, "only_cross_attention", absent: false),
            UseLinearProjection = ConfigJson.Flag(json, "use_linear_projection", absent: false),
            UpcastAttention = ConfigJson.Flag(json, "upcast_attention", absent: false),
            TimeScaleShift = ScaleShift(ConfigJson.Text(json, "resnet_time_scale_shift") ?? "default"),
            TimeEmbeddingWidth = ConfigJson.OptionalInteger(json, "time_embedding_dim"),
            TimeEmbeddingActivation = ConfigJson.Text(json, "time_embedding_act_fn"),
            TimestepPostActivation = ConfigJson.Text(json, "timestep_post_act"),
            InputKernel = ConfigJson.Size(json, "conv_in_kernel", 3),
            OutputKernel = ConfigJson.Size(json, "conv_out_kernel", 3),
        };
        config.Validate();
        return config;
    }

    /// <summary>Writes the config as one object, in the published layout.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("_class_name", ClassName);
        DiffusersOptions.WriteSize(writer, "sample_size", SampleSize);
        writer.WriteNumber("in_channels", InputChannels);
        writer.WriteNumber("out_channels", OutputChannels);
        writer.WriteBoolean("center_input_sample", CenterInputSample);
        writer.WriteBoolean("flip_sin_to_cos", FlipSineToCosine);
        WriteWhole(writer, "freq_shift", FrequencyShift);
        DiffusersOptions.WriteList(writer, "down_block_types", DownCrossAttention.Select(a => a ? CrossAttentionDown : Down));
        DiffusersOptions.WriteList(writer, "up_block_types", UpCrossAttention.Select(a => a ? CrossAttentionUp : Up));
        writer.WriteString("mid_block_type", MidCrossAttention switch { true => CrossAttentionMid, false => PlainMid, null => null });
        DiffusersOptions.WriteList(writer, "block_out_channels", BlockChannels);
        DiffusersOptions.WritePerBlock(writer, "layers_per_block", LayersPerBlock);
        writer.WriteNumber("downsample_padding", DownsamplePadding);
        WriteWhole(writer, "mid_block_scale_factor", MidBlockScale);
        writer.WriteNumber("dropout", Dropout);
        writer.WriteString("act_fn", Activation);
        writer.WriteNumber("norm_num_groups", NormGroups);
        writer.WriteNumber("norm_eps", NormEpsilon);
        writer.WriteNumber("cross_attention_dim", CrossAttentionWidth);
        DiffusersOptions.WritePerBlock(writer, "transformer_layers_per_block", TransformerLayers);
        if (ReverseTransformerLayers is { } reverse) DiffusersOptions.WriteList(writer, "reverse_transformer_layers_per_block", reverse);
        DiffusersOptions.WritePerBlock(writer, "attention_head_dim", AttentionHeads);
        writer.WriteBoolean("only_cross_attention", OnlyCrossAttention);
        writer.WriteBoolean("use_linear_projection", UseLinearProjection);
        writer.WriteBoolean("upcast_attention", UpcastAttention);
        writer.WriteString("resnet_time_scale_shift", TimeScaleShift ? "scale_shift" : "default");
        if (TimeEmbeddingWidth is { } width) writer.WriteNumber("time_embedding_dim", width);
        if (TimeEmbeddingActivation is { } activation) writer.WriteString("time_embedding_act_fn", activation);
        if (TimestepPostActivation is { } post) writer.WriteString("timestep_post_act", post);
        writer.WriteNumber("conv_in_kernel", InputKernel);
        writer.WriteNumber("conv_out_kernel", OutputKernel);
        writer.WriteEndObject();
    }

    /// <summary>What stands behind an error of sizes that the file does not give; empty where it gives all.</summary>
    public string AbsentSizes => Keys.Sentence("unet/config.json", ("block_out_channels", $"[{string.Join(", ", BlockChannels)}]"), ("layers_per_block", LayersPerBlock[0]), ("in_channels", InputChannels), ("out_channels", OutputChannels), ("cross_attention_dim", CrossAttentionWidth));

    /// <summary>Checks what the model relies on.</summary>
    /// <exception cref="InvalidDataException">A number does not fit another; both are named.</exception>
    /// <exception cref="NotSupportedException">An activation that this library does not compute.</exception>
    public void Validate()
    {
        int blocks = BlockChannels.Length;
        if (blocks == 0 || BlockChannels.Any(c => c < 1)) throw new InvalidDataException("config.json: block_out_channels must hold at least one number above zero.");
        foreach ((string name, int count) in new[] { ("down_block_types", DownCrossAttention.Length), ("up_block_types", UpCrossAttention.Length), ("layers_per_block", LayersPerBlock.Length), ("attention_head_dim", AttentionHeads.Length), ("transformer_layers_per_block", TransformerLayers.Length), ("reverse_transformer_layers_per_block", UpTransformerLayers.Length) })
        {
            if (count != blocks) throw new InvalidDataException($"config.json: {name} has {count} entries{Keys.Note(name)}, block_out_channels {blocks}{Keys.Note("block_out_channels")}; they must be equal.");
        }
        for (int i = 0; i < blocks; i++)
        {
            if (BlockChannels[i] % NormGroups != 0) throw new InvalidDataException($"config.json: block_out_channels {BlockChannels[i]}{Keys.Note("block_out_channels")} is not a multiple of norm_num_groups {NormGroups}{Keys.Note("norm_num_groups")}.");
            bool attends = DownCrossAttention[i] || UpCrossAttention[blocks - 1 - i] || (i == blocks - 1 && MidCrossAttention == true);
            if (attends && BlockChannels[i] % AttentionHeads[i] != 0)
                throw new InvalidDataException($"config.json: block_out_channels {BlockChannels[i]}{Keys.Note("block_out_channels")} is not a multiple of {AttentionHeads[i]} attention heads ({Keys.Named("attention_head_dim")}).");
        }
        if (SampleSize.Length > 2) throw new InvalidDataException($"config.json: sample_size has {SampleSize.Length} numbers; one, or height and width, are possible.");
        if (SampleSize.Any(side => side < 1)) throw new InvalidDataException($"config.json: sample_size is {string.Join(" x ", SampleSize)}; it must be above zero.");
        if (Dropout is not (>= 0 and < 1)) throw new InvalidDataException(FormattableString.Invariant($"config.json: dropout is {Dropout}; it must be from 0 to below 1."));
        if (DownsamplePadding is not (0 or 1)) throw new InvalidDataException($"config.json: downsample_padding is {DownsamplePadding}; 0 and 1 are possible.");
        if (MidBlockScale == 0) throw new InvalidDataException("config.json: mid_block_scale_factor is 0.");
        if (InputKernel % 2 == 0 || OutputKernel % 2 == 0) throw new InvalidDataException($"config.json: conv_in_kernel {InputKernel} and conv_out_kernel {OutputKernel} must be odd.");
        if (BlockChannels[0] / 2 - FrequencyShift <= 0) throw new InvalidDataException($"config.json: freq_shift {FrequencyShift} leaves no frequencies of {BlockChannels[0]} channels.");
        foreach (string activation in new[] { Activation, TimeEmbeddingActivation ?? Activation, TimestepPostActivation ?? Activation }) HiddenActivation.Named(activation);
    }

    private static bool[] Attends(JsonElement json, string key, string[] absent, string with, string without)
        => [.. DiffusersOptions.Texts(json, key, absent).Select(type => type == with || (type == without ? false : throw new NotSupportedException($"config.json: the block type \"{type}\" ({key}) is not supported. Supported: {with}, {without}.")))];

    private static bool? Mid(JsonElement json)
    {
        // Unlike an absent entry, a null means that there is no such block.
        if (json.TryGetProperty("mid_block_type", out JsonElement type) && type.ValueKind == JsonValueKind.Null) return null;
        string name = ConfigJson.Text(json, "mid_block_type") ?? CrossAttentionMid;
        return name == CrossAttentionMid || (name == PlainMid ? false : throw new NotSupportedException($"config.json: the block type \"{name}\" (mid_block_type) is not supported. Supported: {CrossAttentionMid}, {PlainMid}, null."));
    }

    private static bool ScaleShift(string name)
        => name == "scale_shift" || (name == "default" ? false : throw new NotSupportedException($"config.json: resnet_time_scale_shift \"{name}\" is not supported. Supported: default, scale_shift."));

    private static int OneWidth(int[] widths) => widths.Distinct().Count() == 1 ? widths[0]
        : throw new NotSupportedException($"config.json: cross_attention_dim is [{string.Join(", ", widths)}]; a condition has one width, so all blocks must have the same.");

    // Published as whole numbers where they are; diffusers passes them on as they are written.
    private static void WriteWhole(Utf8JsonWriter writer, string key, double value)
    {
        if (value == Math.Floor(value) && Math.Abs(value) < int.MaxValue) writer.WriteNumber(key, (int)value);
        else writer.WriteNumber(key, value);
    }
}
