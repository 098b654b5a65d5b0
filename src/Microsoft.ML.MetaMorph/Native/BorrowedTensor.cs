using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>CPU tensors over memory that somebody else owns, such as a mapped file, without a copy.</summary>
/// <remarks>
/// The owner is held by a counted reference until libtorch lets the last tensor over the memory go: views, parameters and modules
/// included, on whatever thread that happens. libtorch hands the deleter nothing but the address, hence the table.
/// </remarks>
internal static unsafe class BorrowedTensor
{
    private static readonly Dictionary<nint, Lease> Leases = [];

    /// <summary>How many addresses are lent to tensors at the moment.</summary>
    public static int Outstanding
    {
        get
        {
            lock (Leases) return Leases.Count;
        }
    }

    /// <summary>A tensor of at least one element over <paramref name="address"/>, which <paramref name="owner"/> keeps valid.</summary>
    public static Tensor Create(nint address, ReadOnlySpan<long> shape, ScalarType elementType, SafeHandle owner)
    {
        TorchBackend.Require();
        Lend(address, owner);
        long scalar = 0;   // a pointer that may be read even where the rank is 0
        nint handle;
        fixed (long* sizes = shape)
            handle = THSTensor_new(address, &GiveBack, shape.IsEmpty ? &scalar : sizes, shape.Length, (sbyte)elementType, (sbyte)elementType, (int)DeviceType.CPU, -1, 0);
        if (handle != 0) return Tensor.UnsafeCreateTensor(handle);
        // Whether libtorch called the deleter is unknown here; a lease too many keeps memory mapped, one too few would unmap it under a tensor.
        string reason = Marshal.PtrToStringUTF8(THSTorch_get_and_reset_last_err()) ?? "no reason given";
        throw new InvalidOperationException($"libtorch refused a tensor of shape [{string.Join(", ", shape.ToArray())}] over borrowed memory: {reason}");
    }

    /// <summary>
    /// The memory under a tensor, where it is lent, leaves this process until it is read again: a file's pages come back from the file.
    /// What was written to it would be lost. Nothing happens to other memory, or off Linux.
    /// </summary>
    public static void LetPagesGo(Tensor tensor)
    {
        if (!OperatingSystem.IsLinux() || tensor.device_type != DeviceType.CPU || !tensor.is_contiguous()) return;
        nint start = TensorMemory.Address(tensor), end = start + (nint)(tensor.numel() * tensor.element_size()), page = Environment.SystemPageSize;
        lock (Leases)
        {
            if (!Leases.ContainsKey(start)) return;
        }
        // Only whole pages of its own: neighbours share the first and the last.
        start = (start + page - 1) / page * page;
        end = end / page * page;
        const int noLongerNeeded = 4;
        if (end > start && madvise(start, (nuint)(end - start), noLongerNeeded) != 0)
            throw new InvalidOperationException($"The system refused to let {end - start} bytes of mapped memory go (madvise, errno {Marshal.GetLastPInvokeError()}).");
    }

    private static void Lend(nint address, SafeHandle owner)
    {
        bool added = false;
        owner.DangerousAddRef(ref added);
        lock (Leases)
        {
            // An address belongs to one live owner at a time: it is unmapped only after its last lease is gone from the table.
            if (Leases.TryGetValue(address, out Lease? lease)) lease.Count++;
            else Leases[address] = new Lease(owner);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void GiveBack(nint address)
    {
        SafeHandle owner;
        lock (Leases)
        {
            Lease lease = Leases[address];
            owner = lease.Owner;
            if (--lease.Count == 0) Leases.Remove(address);
        }
        owner.DangerousRelease();
    }

    [DllImport("LibTorchSharp")]
    private static extern nint THSTensor_new(nint data, delegate* unmanaged[Cdecl]<nint, void> deleter, long* sizes, int rank, sbyte storedType, sbyte elementType, int deviceType, int deviceIndex, byte requiresGrad);

    [DllImport("libc", SetLastError = true)]
    private static extern int madvise(nint address, nuint length, int advice);

    [DllImport("LibTorchSharp")]
    private static extern nint THSTorch_get_and_reset_last_err();

    private sealed class Lease(SafeHandle owner)
    {
        public SafeHandle Owner { get; } = owner;

        public int Count { get; set; } = 1;
    }
}
