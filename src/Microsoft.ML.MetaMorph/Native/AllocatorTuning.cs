using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Keeps glibc from giving every large tensor back to the system, which costs a page fault for each page on the next allocation.
/// </summary>
/// <remarks>
/// Applied once, before the first tensor; skipped where the environment sets <c>MALLOC_MMAP_THRESHOLD_</c> or
/// <c>METAMORPH_ALLOCATOR=system</c>.
/// </remarks>
internal static class AllocatorTuning
{
    private const int TrimThreshold = -1;      // M_TRIM_THRESHOLD
    private const int MapThreshold = -3;       // M_MMAP_THRESHOLD

    public static bool Apply()
    {
        if (Environment.GetEnvironmentVariable("METAMORPH_ALLOCATOR") == "system") return false;
        if (Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") is not null) return false;
        if (!NativeLibrary.TryLoad("libc.so.6", out nint library)) return false;
        if (!NativeLibrary.TryGetExport(library, "mallopt", out _)) return false;      // musl has none
        return mallopt(MapThreshold, 1 << 30) == 1 && mallopt(TrimThreshold, int.MaxValue) == 1;
    }

    [DllImport("libc.so.6")]
    private static extern int mallopt(int parameter, int value);
}
