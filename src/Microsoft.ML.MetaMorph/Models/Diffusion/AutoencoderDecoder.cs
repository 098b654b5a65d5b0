using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Latents <c>[b, c, h, w]</c> → pictures <c>[b, 3, s·h, s·w]</c> (<c>decoder</c>).</summary>
internal sealed class AutoencoderDecoder : NamedLayer
{
    /// <summary>From this size on, a picture's tensors rarely fit into the holes that others left.</summary>
    private const long LargeBytes = 1 << 26;

    private readonly Conv2d _input;
    private readonly AutoencoderMidBlock _mid;

    public AutoencoderDecoder(AutoencoderKLConfig config, ParameterSource parameters)
        : base(nameof(AutoencoderDecoder))
    {
        int[] channels = [.. config.BlockChannels.Reverse()];
        ResnetSettings settings = AutoencoderMidBlock.Settings(config);
        _input = new Conv2d(parameters["conv_in"], config.LatentChannels, channels[0]);
        _mid = new AutoencoderMidBlock(config, parameters["mid_block"]);
        Blocks = new ModuleList<DiffusionBlock>([.. Enumerable.Range(0, channels.Length).Select(i => Block(i, parameters["up_blocks"][i]))]);
        OutputNorm = new GroupNorm(parameters["conv_norm_out"], config.NormGroups, channels[^1], settings.NormEpsilon);
        Output = new Conv2d(parameters["conv_out"], channels[^1], config.OutputChannels);
        register_module("conv_in", _input);
        register_module("mid_block", _mid);
        register_module("up_blocks", Blocks);
        register_module("conv_norm_out", OutputNorm);
        register_module("conv_out", Output);

        DiffusionBlock Block(int index, ParameterSource block)
        {
            var resnets = Enumerable.Range(0, config.LayersPerBlock + 1).Select(j => new ResnetBlock2D(settings, j == 0 ? channels[Math.Max(0, index - 1)] : channels[index], channels[index], block["resnets"][j]));
            return new DiffusionBlock([.. resnets], upsampler: index == channels.Length - 1 ? null : new Upsample2D(channels[index], block["upsamplers"][0]));
        }
    }

    /// <summary>The resolutions, from the smallest.</summary>
    public ModuleList<DiffusionBlock> Blocks { get; }

    public GroupNorm OutputNorm { get; }

    public Conv2d Output { get; }

    /// <summary>The last activation; of the published decoder it is SiLU, whatever <c>act_fn</c> says.</summary>
    public static HiddenActivation OutputActivation { get; } = HiddenActivation.Named("silu");

    public override Tensor forward(Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = Enter(latents);
        foreach (DiffusionBlock block in Blocks) hidden = Forward(block, hidden);
        ReleaseBefore(hidden.numel());
        return hidden.Then(OutputNorm.forward).Then(OutputActivation.Apply).Then(Output.forward).MoveToOuterDisposeScope();
    }

    /// <summary>All before the first of <see cref="Blocks"/>.</summary>
    public Tensor Enter(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return ChannelsLast.Of(latents).Then(_input.forward).Then(_mid.forward).MoveToOuterDisposeScope();
    }

    /// <summary>One resolution of a whole picture; the argument is disposed as soon as it is read.</summary>
    public static Tensor Forward(DiffusionBlock block, Tensor owned)
    {
        using var scope = NewDisposeScope();
        ReleaseBefore(owned.numel());
        Tensor hidden = owned;
        foreach (ResnetBlock2D resnet in block.Resnets) hidden = hidden.Then(h => resnet.Forward(h));
        if (block.Upsampler is not { } upsampler) return hidden.MoveToOuterDisposeScope();
        ReleaseBefore(4 * hidden.numel());
        return hidden.Then(h => upsampler.Forward(h, 2 * h.size(2), 2 * h.size(3))).MoveToOuterDisposeScope();
    }

    /// <summary>Before something of <paramref name="count"/> numbers is computed: gives the holes back, if that is large.</summary>
    public static void ReleaseBefore(long count)
    {
        if (count * sizeof(float) >= LargeBytes) AllocatorTuning.Release();
    }
}
