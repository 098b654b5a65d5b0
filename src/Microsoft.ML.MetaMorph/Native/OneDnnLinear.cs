using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Linear layers of inference through oneDNN, which libtorch holds but by default uses for bfloat16 only. In float32 it is a tenth
/// faster than the default (MKL) on the AMD processors tried, more for short inputs, with the same arithmetic and no packed copy.
/// </summary>
/// <remarks>libtorch's C interface (torch/csrc/inductor/aoti_torch/c/shim_cpu.h): handles are borrowed, the result is the caller's. No autograd.</remarks>
internal static unsafe class OneDnnLinear
{
    // Below this a call is all overhead, and a single row (decoding) is bound by memory anyway.
    private const long LeastRows = 16, LeastWeights = 1 << 14;

    private static readonly delegate* unmanaged<nint, nint, nint*, byte*, double**, long, byte**, nint*, int> Call =
        (delegate* unmanaged<nint, nint, nint*, byte*, double**, long, byte**, nint*, int>)AtenDispatcher.Export("aoti_torch_cpu__linear_pointwise");

    /// <summary>False without the export, or while the dispatcher is switched off.</summary>
    public static bool IsAvailable => Call is not null && AtenDispatcher.IsAvailable;

    /// <summary>Whether to go this way: float32 on the CPU, nothing to differentiate, enough work.</summary>
    public static bool Serves(Tensor input, Tensor weight)
    {
        if (!IsAvailable || is_grad_enabled() || input.dtype != ScalarType.Float32 || weight.dtype != ScalarType.Float32) return false;
        if (input.device_type != DeviceType.CPU || weight.device_type != DeviceType.CPU || !weight.is_contiguous()) return false;
        long width = weight.size(1);
        return weight.numel() >= LeastWeights && input.size(-1) == width && input.numel() / width >= LeastRows;
    }

    /// <summary><c>x Wᵀ + b</c> for arguments that <see cref="Serves"/> accepted.</summary>
    public static Tensor Forward(Tensor input, Tensor weight, Tensor? bias)
    {
        nint biasHandle = bias?.Handle ?? 0, result;
        ReadOnlySpan<byte> plain = "none\0"u8;
        int status;
        fixed (byte* attribute = plain)
        {
            status = Call(input.Handle, weight.Handle, bias is null ? null : &biasHandle, attribute, null, 0, null, &result);
        }
        GC.KeepAlive(input);
        GC.KeepAlive(weight);
        GC.KeepAlive(bias);
        if (status != 0) throw new InvalidOperationException($"oneDNN refused a linear layer of [{string.Join(", ", input.shape)}] by [{string.Join(", ", weight.shape)}]; libtorch wrote the reason to the error stream.");
        return AtenDispatcher.Result((ulong)result);
    }
}
