using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>A convolution over pictures <c>[b, c, h, w]</c> with a square kernel and a bias; the weight <c>[out, in, k, k]</c> is kept in the element type it is stored in.</summary>
/// <remarks>
/// Activations are float32. The result has the memory format of the input, and is fastest channels-last (see <see cref="ChannelsLast"/>).
/// A kernel of one pixel is computed as a matrix product over the channels; its result is channels-last whatever the input is.
/// </remarks>
internal sealed class Conv2d : NamedLayer, IComputeTyped
{
    private readonly long _stride;

    /// <param name="parameters">Where weight and bias come from.</param>
    /// <param name="inputChannels">Channels of the input.</param>
    /// <param name="outputChannels">Channels of the result.</param>
    /// <param name="kernel">Height and width of the kernel.</param>
    /// <param name="stride">Pixels from one place of the kernel to the next.</param>
    /// <param name="padding">Zeros around the input; null means as many as keep the size at stride 1.</param>
    public Conv2d(ParameterSource parameters, long inputChannels, long outputChannels, long kernel = 3, long stride = 1, long? padding = null)
        : base(nameof(Conv2d))
    {
        (InputChannels, OutputChannels, Kernel, _stride) = (inputChannels, outputChannels, kernel, stride);
        Padding = padding ?? (kernel - 1) / 2;
        double bound = 1 / Math.Sqrt(inputChannels * kernel * kernel);
        Weight = parameters.Get("weight", [outputChannels, inputChannels, kernel, kernel], Initialization.Uniform(bound));
        Bias = parameters.Get("bias", [outputChannels], Initialization.Uniform(bound));
        ProductWeight = new ProductWeight(Weight, weight => OneDnnConvolution.Arrange(weight, _stride, Padding));
        register_parameter("weight", Weight);
        register_parameter("bias", Bias);
    }

    public long InputChannels { get; }

    public long OutputChannels { get; }

    /// <summary>Height and width of the kernel.</summary>
    public long Kernel { get; }

    /// <summary>Rows and columns of zeros around the input.</summary>
    public long Padding { get; }

    public Parameter Weight { get; }

    public Parameter Bias { get; }

    public ScalarType ComputeType { get; set; } = ScalarType.Float32;

    public ProductWeight ProductWeight { get; }

    public override Tensor forward(Tensor input) => Convolve(input, Padding, Padding);

    /// <summary>The convolution of something that nobody else needs: it is disposed as soon as it is read, so that pictures in two element types lie beside each other as briefly as can be.</summary>
    public Tensor ForwardOwned(Tensor owned)
    {
        ScalarType type = owned.dtype;
        if (type == ComputeType) return owned.Then(forward);
        return owned.Then(input => input.to(ComputeType)).Then(forward).Then(result => result.to(type));
    }

    /// <summary>The convolution with other padding than the layer's: a piece of a picture brings its neighbours' rows along instead.</summary>
    /// <exception cref="ArgumentException">The input is no batch of pictures with <see cref="InputChannels"/> channels.</exception>
    public Tensor Convolve(Tensor input, long rowPadding, long columnPadding)
    {
        if (input.dim() != 4 || input.size(1) != InputChannels)
            throw new ArgumentException($"A convolution takes [batch, {InputChannels}, height, width]; [{string.Join(", ", input.shape)}] was given.", nameof(input));
        using var scope = NewDisposeScope();
        bool isPointwise = Kernel == 1 && _stride == 1 && rowPadding == 0 && columnPadding == 0;
        return (isPointwise ? Pointwise(input) : Spatial(input, rowPadding, columnPadding)).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) ProductWeight.Dispose();
        base.Dispose(disposing);
    }

    private Tensor Pointwise(Tensor input)
    {
        Tensor pixels = input.permute(0, 2, 3, 1).contiguous();
        return Linear.Product(pixels, ProductWeight.In(ComputeType).view(OutputChannels, InputChannels), Bias, ComputeType).permute(0, 3, 1, 2);
    }

    private Tensor Spatial(Tensor input, long rowPadding, long columnPadding)
    {
        if (OneDnnConvolution.Serves(input, ComputeType) && ProductWeight.ArrangedIn(ComputeType) is { } arranged)
            return OneDnnConvolution.Forward(input.to(ComputeType), arranged, Bias.to(ComputeType), _stride, rowPadding, columnPadding).to(input.dtype);
        bool rearranges = !input.is_contiguous() && WeighsMoreThan(input);
        Tensor picture = rearranges ? input.contiguous() : input;
        Tensor result = F.conv2d(picture.to(ComputeType), ProductWeight.In(ComputeType).to(ComputeType), Bias.to(ComputeType), [_stride, _stride], [rowPadding, columnPadding]).to(input.dtype);
        return rearranges ? ChannelsLast.Of(result) : result;
    }

    /// <summary>Whether the weight is so large beside the picture that rearranging the picture, there and back, costs less than rearranging the weight.</summary>
    /// <remarks>
    /// A channels-last picture makes oneDNN rearrange the weight at every call, which for the smallest resolutions of a UNet takes as
    /// long as the convolution itself. Not under autograd: the way back rearranges both in any case.
    /// </remarks>
    private bool WeighsMoreThan(Tensor input)
    {
        if (is_grad_enabled() || ComputeType != ScalarType.Float32 || input.device_type != TorchSharp.DeviceType.CPU) return false;
        long pixels = input.size(0) * input.size(2) * input.size(3);
        return 2 * pixels * (InputChannels + OutputChannels) < InputChannels * OutputChannels * Kernel * Kernel;
    }
}
