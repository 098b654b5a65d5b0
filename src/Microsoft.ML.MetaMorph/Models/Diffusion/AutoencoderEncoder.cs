using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures <c>[b, 3, h, w]</c> → the moments of their latents <c>[b, 2·c, h/s, w/s]</c> (<c>encoder</c>).</summary>
internal sealed class AutoencoderEncoder : NamedLayer
{
    private readonly Conv2d _input, _output;
    private readonly ModuleList<DiffusionBlock> _blocks;
    private readonly AutoencoderMidBlock _mid;
    private readonly GroupNorm _norm;

    public AutoencoderEncoder(AutoencoderKLConfig config, ParameterSource parameters)
        : base(nameof(AutoencoderEncoder))
    {
        int[] channels = config.BlockChannels;
        ResnetSettings settings = AutoencoderMidBlock.Settings(config);
        _input = new Conv2d(parameters["conv_in"], config.InputChannels, channels[0]);
        _blocks = new ModuleList<DiffusionBlock>([.. Enumerable.Range(0, channels.Length).Select(i => Block(i, parameters["down_blocks"][i]))]);
        _mid = new AutoencoderMidBlock(config, parameters["mid_block"]);
        _norm = new GroupNorm(parameters["conv_norm_out"], config.NormGroups, channels[^1], settings.NormEpsilon);
        _output = new Conv2d(parameters["conv_out"], channels[^1], 2 * config.LatentChannels);
        register_module("conv_in", _input);
        register_module("down_blocks", _blocks);
        register_module("mid_block", _mid);
        register_module("conv_norm_out", _norm);
        register_module("conv_out", _output);

        DiffusionBlock Block(int index, ParameterSource block)
        {
            var resnets = Enumerable.Range(0, config.LayersPerBlock).Select(j => new ResnetBlock2D(settings, j == 0 ? channels[Math.Max(0, index - 1)] : channels[index], channels[index], block["resnets"][j]));
            return new DiffusionBlock([.. resnets], downsampler: index == channels.Length - 1 ? null : new Downsample2D(channels[index], padding: 0, block["downsamplers"][0]));
        }
    }

    public override Tensor forward(Tensor pixels)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = ChannelsLast.Of(pixels).Then(_input.forward);
        foreach (DiffusionBlock block in _blocks)
        {
            foreach (ResnetBlock2D resnet in block.Resnets) hidden = hidden.Then(h => resnet.Forward(h));
            if (block.Downsampler is { } downsampler) hidden = hidden.Then(downsampler.forward);
        }
        // The last activation of the published encoder is SiLU, whatever act_fn says.
        return hidden.Then(_mid.forward).Then(_norm.forward).Then(HiddenActivation.Named("silu").Apply).Then(_output.forward).MoveToOuterDisposeScope();
    }
}
