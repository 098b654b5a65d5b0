using System.Diagnostics;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Until it is disposed, tensor operations of the calling thread run on that thread alone, and <see cref="Seconds"/> counts the processor time
/// that it used: on a busy machine the clock on the wall says how long an operation, or the slowest of its threads, waited for a processor.
/// </summary>
/// <remarks>
/// By OpenMP's own count of threads, which belongs to a thread; that of libtorch is the process's. Where libtorch does not show it (other
/// systems than Linux), operations keep their threads and the clock on the wall counts; and so it does for a GPU, whose work is no processor
/// time of ours and is waited for. Begins and ends on one thread.
/// </remarks>
internal sealed unsafe class SingleThreadTimer : IDisposable
{
    private const string Library = "libc.so.6";
    private const int ThreadProcessorTime = 3;       // CLOCK_THREAD_CPUTIME_ID

    private static readonly delegate* unmanaged<int> GetThreads = (delegate* unmanaged<int>)AtenDispatcher.Export("omp_get_max_threads");
    private static readonly delegate* unmanaged<int, void> SetThreads = (delegate* unmanaged<int, void>)AtenDispatcher.Export("omp_set_num_threads");

    private readonly Device _device;
    private readonly bool _isAlone;
    private readonly int _before;

    /// <param name="device">Where the operations are computed.</param>
    public SingleThreadTimer(Device device)
    {
        _device = device;
        _isAlone = IsAvailable && device.type == TorchSharp.DeviceType.CPU;
        if (!_isAlone) return;
        _ = get_num_threads();      // libtorch sets the count of a thread at its first use
        _before = GetThreads();
        SetThreads(1);
    }

    /// <summary>Whether operations on the CPU run alone and processor time is counted.</summary>
    public static bool IsAvailable { get; } = OperatingSystem.IsLinux() && Environment.Is64BitProcess && GetThreads is not null && SetThreads is not null
        && NativeLibrary.TryLoad(Library, out nint library) && NativeLibrary.TryGetExport(library, "clock_gettime", out _);

    /// <summary>Seconds since some moment, for differences; what the device was given before is done.</summary>
    public double Seconds
    {
        get
        {
            if (_device.type == TorchSharp.DeviceType.CUDA) cuda.synchronize(_device);
            if (_isAlone && clock_gettime(ThreadProcessorTime, out TimeSpecification time) == 0) return time.Seconds + time.Nanoseconds * 1e-9;
            return Stopwatch.GetElapsedTime(0).TotalSeconds;
        }
    }

    public void Dispose()
    {
        if (_isAlone) SetThreads(_before);
    }

    [DllImport(Library)]
    private static extern int clock_gettime(int clock, out TimeSpecification time);

    // timespec of 64-bit systems
    private readonly record struct TimeSpecification(long Seconds, long Nanoseconds);
}
