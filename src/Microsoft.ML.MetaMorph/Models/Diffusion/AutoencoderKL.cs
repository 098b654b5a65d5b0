using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures ↔ latents an eighth their size: the variational autoencoder of Stable Diffusion (arXiv 2112.10752), with diffusers' parameter names.</summary>
internal sealed class AutoencoderKL : NamedModule
{
    private readonly Conv2d? _quant, _postQuant;

    public AutoencoderKL(AutoencoderKLConfig config, ParameterSource parameters)
        : base(nameof(AutoencoderKL))
    {
        config.Validate();
        Config = config;
        Encoder = new AutoencoderEncoder(config, parameters["encoder"]);
        Decoder = new AutoencoderDecoder(config, parameters["decoder"]);
        register_module("encoder", Encoder);
        register_module("decoder", Decoder);
        if (config.QuantConvolution)
        {
            _quant = new Conv2d(parameters["quant_conv"], 2 * config.LatentChannels, 2 * config.LatentChannels, kernel: 1);
            register_module("quant_conv", _quant);
        }
        if (!config.PostQuantConvolution) return;
        _postQuant = new Conv2d(parameters["post_quant_conv"], config.LatentChannels, config.LatentChannels, kernel: 1);
        register_module("post_quant_conv", _postQuant);
    }

    public AutoencoderKLConfig Config { get; private set; }

    public AutoencoderEncoder Encoder { get; }

    public AutoencoderDecoder Decoder { get; }

    /// <summary>The latents of pictures, not scaled.</summary>
    /// <param name="pixels"><c>[b, 3, h, w]</c> from −1 to 1; height and width are multiples of <see cref="AutoencoderKLConfig.Downscale"/>.</param>
    /// <exception cref="ArgumentException">The shape does not fit.</exception>
    public LatentDistribution Encode(Tensor pixels)
    {
        int factor = Config.Downscale;
        if (pixels.dim() != 4 || pixels.size(1) != Config.InputChannels || pixels.numel() == 0)
            throw new ArgumentException($"The autoencoder takes pictures [batch, {Config.InputChannels}, height, width]; {ChannelsLast.Shape(pixels)} was given.", nameof(pixels));
        if (pixels.size(2) % factor != 0 || pixels.size(3) % factor != 0)
            throw new ArgumentException($"A picture of {pixels.size(3)}×{pixels.size(2)} pixels was given; the autoencoder needs multiples of {factor}.", nameof(pixels));
        using var scope = NewDisposeScope();
        Tensor moments = Encoder.forward(pixels);
        LatentDistribution latents = LatentDistribution.FromMoments(_quant is null ? moments : _quant.forward(moments));
        latents.Mean.MoveToOuterDisposeScope();
        latents.LogVariance.MoveToOuterDisposeScope();
        return latents;
    }

    /// <summary>Pictures of latents.</summary>
    /// <param name="latents"><c>[b, c, h, w]</c>, not scaled.</param>
    /// <param name="tiled">Computes large resolutions piece by piece (<see cref="TiledDecoding"/>): the same picture with less memory. Without gradients only.</param>
    /// <param name="stripCount">The number of pieces; null decides by size.</param>
    /// <returns><c>[b, 3, s·h, s·w]</c>, about −1 to 1.</returns>
    /// <exception cref="ArgumentException">The shape does not fit.</exception>
    public Tensor Decode(Tensor latents, bool tiled = false, int? stripCount = null)
    {
        if (latents.dim() != 4 || latents.size(1) != Config.LatentChannels || latents.numel() == 0)
            throw new ArgumentException($"The autoencoder takes latents [batch, {Config.LatentChannels}, height, width] (latent_channels); {ChannelsLast.Shape(latents)} was given.", nameof(latents));
        using var scope = NewDisposeScope();
        Tensor input = latents.to(ScalarType.Float32);
        if (_postQuant is not null) input = _postQuant.forward(input);
        return (tiled ? TiledDecoding.Decode(Decoder, input, stripCount) : Decoder.forward(input)).MoveToOuterDisposeScope();
    }

    /// <summary>Sets the factor by which latents are multiplied before they are denoised; a training measures it at its end.</summary>
    /// <exception cref="InvalidDataException">The factor is 0.</exception>
    public void SetScalingFactor(double factor)
    {
        AutoencoderKLConfig config = Config with { ScalingFactor = factor };
        config.Validate();
        Config = config;
    }

    /// <summary>Latents as they are denoised: (latent − shift) · scale.</summary>
    public Tensor Scale(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return ((latents - (Config.ShiftFactor ?? 0)) * Config.ScalingFactor).MoveToOuterDisposeScope();
    }

    /// <summary>Denoised latents as <see cref="Decode"/> takes them: latent / scale + shift.</summary>
    public Tensor Unscale(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return (latents / Config.ScalingFactor + (Config.ShiftFactor ?? 0)).MoveToOuterDisposeScope();
    }
}
