using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>Halves a picture by a convolution of stride 2 (<c>downsamplers.0</c>).</summary>
internal sealed class Downsample2D : NamedLayer
{
    private readonly Conv2d _convolution;

    /// <param name="channels">The channels of the picture.</param>
    /// <param name="padding">1: zeros on every side; 0: one row of zeros below and one column at the right.</param>
    /// <param name="parameters">Where the parameters come from.</param>
    public Downsample2D(long channels, long padding, ParameterSource parameters)
        : base(nameof(Downsample2D))
    {
        _convolution = new Conv2d(parameters["conv"], channels, channels, stride: 2, padding: padding);
        register_module("conv", _convolution);
    }

    public override Tensor forward(Tensor picture)
    {
        if (_convolution.Padding > 0) return _convolution.forward(picture);
        using var scope = NewDisposeScope();
        return F.pad(picture, [0, 1, 0, 1]).Then(_convolution.forward).MoveToOuterDisposeScope();
    }
}
