using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The memory of CPU tensors, without copies.</summary>
internal static unsafe class TensorMemory
{
    /// <summary>The address of the first element. The tensor must be on the CPU and must outlive every use of the address.</summary>
    public static nint Address(Tensor tensor)
    {
        if (tensor.device_type != DeviceType.CPU) throw new ArgumentException($"The tensor lies on {tensor.device}, not on the CPU.", nameof(tensor));
        return THSTensor_data(tensor.Handle);
    }

    /// <summary>The elements of a contiguous CPU tensor. <typeparamref name="T"/> must have the size of the element type.</summary>
    public static Span<T> Span<T>(Tensor tensor)
        where T : unmanaged
    {
        if (!tensor.is_contiguous()) throw new ArgumentException("The tensor is not contiguous.", nameof(tensor));
        if (sizeof(T) != tensor.element_size()) throw new ArgumentException($"{typeof(T).Name} has {sizeof(T)} bytes, the element type {tensor.dtype} has {tensor.element_size()}.", nameof(tensor));
        return new Span<T>((void*)Address(tensor), checked((int)tensor.numel()));
    }

    [DllImport("LibTorchSharp")]
    private static extern nint THSTensor_data(nint tensor);
}
