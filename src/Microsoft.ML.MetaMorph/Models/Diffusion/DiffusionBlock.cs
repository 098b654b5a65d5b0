using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The layers of one resolution of a UNet or a VAE, under their published names.</summary>
internal sealed class DiffusionBlock : NamedModule
{
    /// <param name="resnets">Residual blocks, <c>resnets.N</c>.</param>
    /// <param name="attentions">Attention after each of the first residual blocks, <c>attentions.N</c>; empty for none.</param>
    /// <param name="downsampler">Halves the result, <c>downsamplers.0</c>.</param>
    /// <param name="upsampler">Doubles the result, <c>upsamplers.0</c>.</param>
    public DiffusionBlock(IEnumerable<ResnetBlock2D> resnets, IEnumerable<nn.Module>? attentions = null, Downsample2D? downsampler = null, Upsample2D? upsampler = null)
        : base(nameof(DiffusionBlock))
    {
        Resnets = new ModuleList<ResnetBlock2D>(resnets);
        Attentions = new ModuleList<nn.Module>(attentions ?? []);
        (Downsampler, Upsampler) = (downsampler, upsampler);
        register_module("resnets", Resnets);
        if (Attentions.Count > 0) register_module("attentions", Attentions);
        if (downsampler is not null) register_module("downsamplers", new ModuleList<Downsample2D>([downsampler]));
        if (upsampler is not null) register_module("upsamplers", new ModuleList<Upsample2D>([upsampler]));
    }

    public ModuleList<ResnetBlock2D> Resnets { get; }

    public ModuleList<nn.Module> Attentions { get; }

    public Downsample2D? Downsampler { get; }

    public Upsample2D? Upsampler { get; }
}
