using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// All that draws a picture of visual tokens: the adapter, the UNet, and the autoencoder unless pixels are denoised. Parameters are
/// named <c>adapter.*</c>, <c>unet.*</c> and <c>vae.*</c>, with the published names inside.
/// </summary>
/// <remarks>The steps from noise to a picture are the scheduler's; this model gives what they are made of.</remarks>
internal sealed class VisualizerModel : NamedModule, ITrainableDenoiser
{
    public VisualizerModel(VisualizerConfig config, ParameterSource parameters)
        : base(nameof(VisualizerModel))
    {
        config.Validate();
        Config = config;
        Device = parameters.Device;
        Adapter = new VisualTokenAdapter(config.Adapter, parameters["adapter"]);
        UNet = new UNet2DConditionModel(config.UNet, parameters["unet"]);
        register_module("adapter", Adapter);
        register_module("unet", UNet);
        if (config.Autoencoder is null) return;
        Autoencoder = new AutoencoderKL(config.Autoencoder, parameters["vae"]);
        register_module("vae", Autoencoder);
    }

    public VisualizerConfig Config { get; }

    public Device Device { get; }

    public VisualTokenAdapter Adapter { get; }

    public UNet2DConditionModel UNet { get; }

    /// <summary>Null where pixels are denoised.</summary>
    public AutoencoderKL? Autoencoder { get; }

    public int Channels => Config.Channels;

    public (int Height, int Width) SampleSize => Config.TrainedSampleSize;

    /// <summary><see cref="SizeMultiple"/> of every visualizer.</summary>
    internal const int SideMultiple = 1;

    /// <summary>The UNet gives every picture on the way up the size that it had on the way down, so any size can be drawn.</summary>
    public int SizeMultiple => SideMultiple;

    nn.Module ITrainableDenoiser.Adapter => Adapter;

    nn.Module ITrainableDenoiser.Network => UNet;

    DropoutDraws? ITrainableDenoiser.Dropout
    {
        set
        {
            if (UNet.Dropout is { } dropout) dropout.Drawn = value;
        }
    }

    /// <summary>Pictures ↔ what is denoised.</summary>
    /// <param name="tiled">Decodes large pictures piece by piece, with less memory.</param>
    public IPictureCodec Codec(bool tiled = false) => Autoencoder is null ? new PixelUnshuffleCodec(Config.PixelUnshuffle!.Value) : new AutoencoderCodec(Autoencoder, tiled);

    public DiffusionConditioning Condition(Tensor visualTokens)
    {
        using var scope = NewDisposeScope();
        return Adapter.Condition(visualTokens.to(Device)).MoveToOuterDisposeScope();
    }

    public Tensor Predict(Tensor samples, Tensor timesteps, DiffusionConditioning conditioning)
    {
        using var scope = NewDisposeScope();
        return UNet.Forward(Input(samples, conditioning), timesteps, conditioning.Context).MoveToOuterDisposeScope();
    }

    public IRecomputedPrediction PredictRecomputed(Tensor samples, Tensor timesteps, DiffusionConditioning conditioning)
    {
        using Tensor input = Input(samples, conditioning);
        return new RecomputedUNet(UNet, input, timesteps, conditioning.Context);
    }

    /// <summary>The input of the UNet: what is denoised, with the token grid enlarged to its size behind it where there is one.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit; the message names both.</exception>
    public Tensor Input(Tensor samples, DiffusionConditioning conditioning)
    {
        if (samples.dim() != 4 || samples.size(1) != Channels)
            throw new ArgumentException($"[batch, {Channels}, height, width] is needed to denoise; {ChannelsLast.Shape(samples)} was given.", nameof(samples));
        if (conditioning.Rows != samples.size(0)) throw new ArgumentException($"{samples.size(0)} pictures were given with the conditioning of {conditioning.Rows}.", nameof(conditioning));
        if (conditioning.Grid is null) return samples.alias();
        using var scope = NewDisposeScope();
        Tensor grid = TokenReduction.Bilinear(conditioning.Grid, samples.size(2), samples.size(3));
        return cat([ChannelsLast.Of(samples), ChannelsLast.Of(grid)], 1).MoveToOuterDisposeScope();
    }

    public long RowBytes(int height, int width) => UNet.RowBytes(height, width);
}
