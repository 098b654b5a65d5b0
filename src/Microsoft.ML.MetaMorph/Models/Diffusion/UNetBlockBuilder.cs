namespace Microsoft.ML.MetaMorph;

/// <summary>Builds the blocks of a UNet and, with them, the order in which they are computed. Down, middle and up must be asked for in that order.</summary>
internal sealed class UNetBlockBuilder(UNet2DConditionConfig config, ParameterSource parameters)
{
    private readonly List<UNetStep> _steps = [];
    private readonly ResnetSettings _settings = new(config.TimeWidth, config.NormGroups, config.NormEpsilon, config.Activation, config.TimeScaleShift, Dropout: config.Dropout > 0 ? new ActivationDropout(config.Dropout) : null);

    /// <summary>The steps of the blocks built so far.</summary>
    public IReadOnlyList<UNetStep> Steps => _steps;

    /// <summary>What the residual blocks drop while they learn; null where they never do.</summary>
    public ActivationDropout? Dropout => _settings.Dropout;

    private int Blocks => config.BlockChannels.Length;

    public ModuleList<DiffusionBlock> Down() => new([.. Enumerable.Range(0, Blocks).Select(Down)]);

    public ModuleList<DiffusionBlock> Up() => new([.. Enumerable.Range(0, Blocks).Select(Up)]);

    public DiffusionBlock? Mid()
    {
        if (config.MidCrossAttention is not { } attends) return null;
        int channels = config.BlockChannels[^1];
        ParameterSource block = parameters["mid_block"];
        ResnetSettings settings = _settings with { OutputScale = config.MidBlockScale };
        var first = new ResnetBlock2D(settings, channels, channels, block["resnets"][0]);
        _steps.Add(new UNetStep(first, attends ? Attention(Blocks - 1, config.TransformerLayers[^1], onlyCross: false, block["attentions"][0]) : null));
        if (!attends) return new DiffusionBlock([first]);
        var second = new ResnetBlock2D(settings, channels, channels, block["resnets"][1]);
        _steps.Add(new UNetStep(second));
        return new DiffusionBlock([first, second], [_steps[^2].Attention!]);
    }

    private DiffusionBlock Down(int index)
    {
        ParameterSource block = parameters["down_blocks"][index];
        int channels = config.BlockChannels[index], input = config.BlockChannels[Math.Max(0, index - 1)];
        int first = _steps.Count;
        for (int i = 0; i < config.LayersPerBlock[index]; i++)
        {
            var resnet = new ResnetBlock2D(_settings, i == 0 ? input : channels, channels, block["resnets"][i]);
            Transformer2DModel? attention = config.DownCrossAttention[index] ? Attention(index, config.TransformerLayers[index], config.OnlyCrossAttention, block["attentions"][i]) : null;
            _steps.Add(new UNetStep(resnet, attention, LeavesSkip: true));
        }
        Downsample2D? downsampler = index == Blocks - 1 ? null : new Downsample2D(channels, config.DownsamplePadding, block["downsamplers"][0]);
        DiffusionBlock built = Build(first, downsampler, null);
        if (downsampler is not null) _steps.Add(new UNetStep(Downsampler: downsampler, LeavesSkip: true));
        return built;
    }

    private DiffusionBlock Up(int index)
    {
        ParameterSource block = parameters["up_blocks"][index];
        int level = Blocks - 1 - index;
        int channels = config.BlockChannels[level], before = config.BlockChannels[Math.Min(level + 1, Blocks - 1)], below = config.BlockChannels[Math.Max(0, level - 1)];
        int first = _steps.Count, layers = config.LayersPerBlock[level] + 1;
        for (int i = 0; i < layers; i++)
        {
            // The last picture to be joined was left by the resolution above, before its channels grew.
            int joined = i == layers - 1 ? below : channels;
            var resnet = new ResnetBlock2D(_settings, (i == 0 ? before : channels) + joined, channels, block["resnets"][i]);
            Transformer2DModel? attention = config.UpCrossAttention[index] ? Attention(level, config.UpTransformerLayers[index], config.OnlyCrossAttention, block["attentions"][i]) : null;
            _steps.Add(new UNetStep(resnet, attention, TakesSkip: true));
        }
        Upsample2D? upsampler = level == 0 ? null : new Upsample2D(channels, block["upsamplers"][0]);
        DiffusionBlock built = Build(first, null, upsampler);
        if (upsampler is not null) _steps.Add(new UNetStep(Upsampler: upsampler));
        return built;
    }

    private DiffusionBlock Build(int first, Downsample2D? downsampler, Upsample2D? upsampler)
    {
        IEnumerable<UNetStep> steps = _steps.Skip(first);
        return new DiffusionBlock(steps.Select(s => s.Resnet!), steps.Select(s => s.Attention).OfType<Transformer2DModel>(), downsampler, upsampler);
    }

    private Transformer2DModel Attention(int level, int layers, bool onlyCross, ParameterSource source)
        => new(config, config.BlockChannels[level], config.AttentionHeads[level], layers, onlyCross, source);
}
