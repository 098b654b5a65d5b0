using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Keeps glibc from giving every large tensor back to the system, which costs a page fault for each page on the next allocation.
/// </summary>
/// <remarks>
/// Applied once, before the first tensor; skipped where the environment sets <c>MALLOC_MMAP_THRESHOLD_</c> or
/// <c>METAMORPH_ALLOCATOR=system</c>. The price: glibc rarely fills the hole of an aligned block with a block of the same size, so
/// holes pile up where tensors are hundreds of megabytes. There <see cref="Release"/> gives them back.
/// </remarks>
internal static class AllocatorTuning
{
    private const int TrimThreshold = -1;      // M_TRIM_THRESHOLD
    private const int MapThreshold = -3;       // M_MMAP_THRESHOLD
    private const string Library = "libc.so.6";

    private static volatile bool s_isApplied;

    /// <summary>Applies it in this process, as the environment says.</summary>
    /// <returns>Whether it was applied.</returns>
    public static bool Apply() => s_isApplied = Apply(Environment.GetEnvironmentVariable("METAMORPH_ALLOCATOR"), Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_"), Library);

    /// <summary>Gives memory that lies free between tensors back to the system: before some that are so large that holes matter more than page faults.</summary>
    /// <returns>Whether there was any; false also where nothing was applied.</returns>
    public static bool Release() => s_isApplied && malloc_trim(0) == 1;

    /// <param name="choice">The value of <c>METAMORPH_ALLOCATOR</c>.</param>
    /// <param name="threshold">The value of <c>MALLOC_MMAP_THRESHOLD_</c>.</param>
    /// <param name="library">The C library.</param>
    internal static bool Apply(string? choice, string? threshold, string library)
    {
        if (choice == "system" || threshold is not null) return false;
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad(library, out nint handle)) return false;
        if (!NativeLibrary.TryGetExport(handle, "mallopt", out _)) return false;      // musl has none
        return mallopt(MapThreshold, 1 << 30) == 1 && mallopt(TrimThreshold, int.MaxValue) == 1;
    }

    [DllImport(Library)]
    private static extern int mallopt(int parameter, int value);

    [DllImport(Library)]
    private static extern int malloc_trim(nuint kept);
}
