using System.Runtime.Intrinsics.X86;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Convolutions of inference with weights that oneDNN has arranged for itself once. A plain weight is rearranged at every call, which
/// for the smallest pictures of a UNet takes several times as long as the convolution.
/// </summary>
/// <remarks>libtorch's C interface (torch/csrc/inductor/aoti_torch/c/shim_cpu.h): handles are borrowed, the result is the caller's. No autograd.</remarks>
internal static unsafe class OneDnnConvolution
{
    private static readonly delegate* unmanaged<nint, nint, nint*, long*, long, long*, long, long*, long, long, byte*, double**, long, byte**, nint*, int> Call =
        (delegate* unmanaged<nint, nint, nint*, long*, long, long*, long, long*, long, long, byte*, double**, long, byte**, nint*, int>)AtenDispatcher.Export("aoti_torch_cpu_mkldnn__convolution_pointwise");

    // What oneDNN asks of a processor before it takes weights in bfloat16.
    private static readonly bool HasBFloat16 = Avx512BW.IsSupported && Avx512BW.VL.IsSupported && Avx512DQ.IsSupported;

    /// <summary>False without the export, or while the dispatcher is switched off.</summary>
    public static bool IsAvailable => Call is not null && AtenDispatcher.IsAvailable;

    /// <summary>Whether to go this way: a channels-last picture on the CPU, nothing to differentiate, an element type that oneDNN takes here.</summary>
    public static bool Serves(Tensor picture, ScalarType type)
        => IsAvailable && !is_grad_enabled() && picture.device_type == DeviceType.CPU && (type == ScalarType.Float32 || (type == ScalarType.BFloat16 && HasBFloat16)) && IsChannelsLast(picture);

    /// <summary>A copy of a weight <c>[out, in, k, k]</c> in oneDNN's own arrangement, which nothing but <see cref="Forward"/> can read.</summary>
    public static Tensor Arrange(Tensor weight, long stride, long padding)
    {
        ReadOnlySpan<byte> noOverload = "\0"u8;
        Span<ulong> convert = [AtenDispatcher.Handle(weight), AtenDispatcher.None];
        AtenDispatcher.Call("aten::to_mkldnn\0"u8, noOverload, convert);
        using Tensor plain = AtenDispatcher.Result(convert[0]);
        Span<ulong> arrange = [AtenDispatcher.Handle(plain), AtenDispatcher.List([padding, padding]), AtenDispatcher.List([stride, stride]), AtenDispatcher.List([1, 1]), 1, AtenDispatcher.None];
        AtenDispatcher.Call("aten::mkldnn_reorder_conv2d_weight\0"u8, noOverload, arrange);
        return AtenDispatcher.Result(arrange[0]);
    }

    /// <summary>The convolution; its result is channels-last.</summary>
    /// <param name="picture"><c>[b, in, h, w]</c>, channels-last, in the element type of the weight.</param>
    /// <param name="weight">From <see cref="Arrange"/>.</param>
    /// <param name="bias"><c>[out]</c>, in that type too.</param>
    /// <param name="stride">Pixels from one place of the kernel to the next.</param>
    /// <param name="rowPadding">Rows of zeros around the picture.</param>
    /// <param name="columnPadding">Columns of zeros around the picture.</param>
    public static Tensor Forward(Tensor picture, Tensor weight, Tensor bias, long stride, long rowPadding, long columnPadding)
    {
        long* padding = stackalloc long[] { rowPadding, columnPadding }, strides = stackalloc long[] { stride, stride }, dilation = stackalloc long[] { 1, 1 };
        nint biasHandle = bias.Handle, result;
        int status;
        fixed (byte* attribute = "none\0"u8)
        {
            status = Call(picture.Handle, weight.Handle, &biasHandle, padding, 2, strides, 2, dilation, 2, 1, attribute, null, 0, null, &result);
        }
        GC.KeepAlive(picture);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        if (status != 0) throw new InvalidOperationException($"oneDNN refused a convolution of [{string.Join(", ", picture.shape)}]; libtorch wrote the reason to the error stream.");
        return AtenDispatcher.Result((ulong)result);
    }

    // The result is channels-last in any case, and a layer's should lie as its input does. (Of one channel or one pixel a picture lies both ways.)
    private static bool IsChannelsLast(Tensor picture)
    {
        if (picture.is_contiguous()) return false;
        using Tensor pixels = picture.permute(0, 2, 3, 1);
        return pixels.is_contiguous();
    }
}
