using System.Runtime.InteropServices;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Calls ATen operators that TorchSharp does not expose, by name, through libtorch's stable C interface
/// (torch/csrc/inductor/aoti_torch/c/shim.h). Works with autograd.
/// </summary>
/// <remarks>
/// Every argument is one 64-bit slot: handles, integers, bit patterns of doubles, or a pointer to a boxed value for optionals.
/// The callee takes ownership of handles, lists and boxes. Boxes are allocated with malloc, which the C++ side frees: that holds
/// for glibc, so <see cref="IsAvailable"/> is false elsewhere and <see cref="Aten"/> composes the operator instead.
/// </remarks>
internal static unsafe class AtenDispatcher
{
    private static readonly nint Library = Open();
    private static readonly delegate* unmanaged<byte*, byte*, ulong*, int> CallOperator = (delegate* unmanaged<byte*, byte*, ulong*, int>)Export("aoti_torch_call_dispatcher");
    private static readonly delegate* unmanaged<nint, nint*, int> NewHandle = (delegate* unmanaged<nint, nint*, int>)Export("aoti_torch_new_tensor_handle");
    private static readonly delegate* unmanaged<nuint, nint*, int> NewList = (delegate* unmanaged<nuint, nint*, int>)Export("torch_new_list_reserve_size");
    private static readonly delegate* unmanaged<nint, ulong, int> Push = (delegate* unmanaged<nint, ulong, int>)Export("torch_list_push_back");

    private static readonly bool Exists = Library != 0 && CallOperator is not null && NewHandle is not null && NewList is not null && Push is not null;

    /// <summary>False off Linux, without the exports, or while <see cref="IsEnabled"/> is false.</summary>
    public static bool IsAvailable => Exists && IsEnabled;

    /// <summary>Starts false with <c>METAMORPH_ATEN=off</c>; tests switch it to run the composed operators.</summary>
    public static bool IsEnabled { get; set; } = Environment.GetEnvironmentVariable("METAMORPH_ATEN") != "off";

    public const ulong None = 0;

    public static ulong Handle(Tensor tensor)
    {
        nint handle;
        if (NewHandle(tensor.Handle, &handle) != 0) throw new InvalidOperationException("libtorch refused a tensor handle.");
        return (ulong)handle;
    }

    public static ulong Optional(Tensor? tensor) => tensor is null ? None : Box(Handle(tensor));

    public static ulong Optional(double? value) => value is null ? None : Box(Bits(value.Value));

    public static ulong Bits(double value) => BitConverter.DoubleToUInt64Bits(value);

    public static ulong Flag(bool value) => value ? 1ul : 0ul;

    public static ulong List(ReadOnlySpan<long> values) => List(MemoryMarshal.Cast<long, ulong>(values), NewList, Push);

    public static ulong List(IReadOnlyList<Tensor> tensors)
    {
        var handles = new ulong[tensors.Count];
        for (int i = 0; i < handles.Length; i++) handles[i] = Handle(tensors[i]);
        return List(handles, NewList, Push);
    }

    /// <summary>With both calls named: libtorch cannot be made to refuse a list, but a test can have other functions refuse it.</summary>
    public static ulong List(ReadOnlySpan<ulong> slots, delegate* unmanaged<nuint, nint*, int> create, delegate* unmanaged<nint, ulong, int> push)
    {
        nint list;
        Check(create((nuint)slots.Length, &list), slots.Length);
        foreach (ulong slot in slots) Check(push(list, slot), slots.Length);
        return (ulong)list;
    }

    /// <summary>Calls <paramref name="name"/>; results replace the first slots of <paramref name="stack"/>.</summary>
    public static void Call(ReadOnlySpan<byte> name, ReadOnlySpan<byte> overload, Span<ulong> stack)
    {
        fixed (byte* n = name)
        fixed (byte* o = overload)
        fixed (ulong* s = stack)
        {
            if (CallOperator(n, o, s) != 0)
                throw new InvalidOperationException($"The operator {Encoding.UTF8.GetString(name.TrimEnd((byte)0))} failed; libtorch wrote the reason to the error stream.");
        }
    }

    public static Tensor Result(ulong slot) => Tensor.UnsafeCreateTensor((nint)slot);

    private static void Check(int status, int count)
    {
        if (status != 0) throw new InvalidOperationException($"libtorch refused a list of {count} elements; it wrote the reason to the error stream.");
    }

    private static ulong Box(ulong value)
    {
        var box = (ulong*)NativeMemory.Alloc(sizeof(ulong));
        *box = value;
        return (ulong)box;
    }

    private static nint Open()
    {
        if (!OperatingSystem.IsLinux()) return 0;
        torch.InitializeDeviceType(DeviceType.CPU);
        return NativeLibrary.TryLoad("libtorch_cpu.so", out nint byName) ? byName
            : NativeFolders.Find(NativeFolders.Candidates(), NativeFolders.TorchLibrary) is { } folder
                && NativeLibrary.TryLoad(Path.Combine(folder, NativeFolders.TorchLibrary), out nint byPath) ? byPath
            : 0;
    }

    /// <summary>An export of libtorch, or 0.</summary>
    public static nint Export(string name) => Library != 0 && NativeLibrary.TryGetExport(Library, name, out nint address) ? address : 0;
}
