using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The smallest resolution of a VAE: residual block, attention, residual block (<c>mid_block</c>).</summary>
internal sealed class AutoencoderMidBlock : NamedLayer
{
    private const double NormEpsilon = 1e-6;

    private readonly ModuleList<ResnetBlock2D> _resnets;
    private readonly AutoencoderAttention? _attention;

    public AutoencoderMidBlock(AutoencoderKLConfig config, ParameterSource parameters)
        : base(nameof(AutoencoderMidBlock))
    {
        ResnetSettings settings = Settings(config);
        int channels = config.BlockChannels[^1];
        _resnets = new ModuleList<ResnetBlock2D>([.. Enumerable.Range(0, 2).Select(i => new ResnetBlock2D(settings, channels, channels, parameters["resnets"][i]))]);
        if (config.MidAttention)
        {
            _attention = new AutoencoderAttention(channels, config.NormGroups, NormEpsilon, parameters["attentions"][0]);
            register_module("attentions", new ModuleList<AutoencoderAttention>([_attention]));
        }
        register_module("resnets", _resnets);
    }

    /// <summary>What the residual blocks of a VAE share; there is no timestep.</summary>
    public static ResnetSettings Settings(AutoencoderKLConfig config) => new(null, config.NormGroups, NormEpsilon, config.Activation);

    public override Tensor forward(Tensor picture)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = _resnets[0].Forward(picture);
        if (_attention is not null) hidden = hidden.Then(_attention.Forward);
        return hidden.Then(h => _resnets[1].Forward(h)).MoveToOuterDisposeScope();
    }
}
