using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>Enlarges a picture by repeating pixels, then a convolution (<c>upsamplers.0</c>).</summary>
internal sealed class Upsample2D : NamedModule
{
    public Upsample2D(long channels, ParameterSource parameters)
        : base(nameof(Upsample2D))
    {
        Convolution = new Conv2d(parameters["conv"], channels, channels);
        register_module("conv", Convolution);
    }

    public Conv2d Convolution { get; }

    /// <summary><c>[b, c, h, w]</c> → <c>[b, c, height, width]</c>.</summary>
    public Tensor Forward(Tensor picture, long height, long width)
    {
        using var scope = NewDisposeScope();
        // What is repeated is the same in either element type, and smaller in the narrower one.
        Tensor repeated = Repeat(picture.to(Convolution.ComputeType), height, width);
        return Convolution.ForwardOwned(repeated).Then(result => result.to(picture.dtype)).MoveToOuterDisposeScope();
    }

    /// <summary>The nearest pixel at every place of a larger picture.</summary>
    public static Tensor Repeat(Tensor picture, long height, long width) => F.interpolate(picture, size: [height, width], mode: InterpolationMode.Nearest);
}
