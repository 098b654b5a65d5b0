using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Makes TorchSharp's native library load on systems whose C++ runtime is older than GCC 13 (Debian 12, Ubuntu 22.04, RHEL 9).
/// </summary>
/// <remarks>
/// The library asks for <c>GLIBCXX_3.4.32</c> but uses no symbol of it. Where the plain load fails, the image is read, the
/// requirement is marked weak in memory, and the mended image is loaded from an anonymous file. Nothing is written to disk;
/// TorchSharp's own load then finds the library by its name. Elsewhere nothing is done.
/// </remarks>
internal static class NativeLibraryMend
{
    private const string TooNewVersion = "GLIBCXX_3.4.32";

#pragma warning disable CA2255 // The mend must come before the first use of TorchSharp, whichever of our types is touched first.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Run()
    {
        if (!OperatingSystem.IsLinux()) return;
        AllocatorTuning.Apply();
        Outcome = Apply([.. NativeFolders.Candidates()]);
    }

    /// <summary>What was done when the library was loaded; null where nothing is to be done (not on Linux).</summary>
    public static MendOutcome? Outcome { get; private set; }

    /// <summary>Loads the native libraries found in <paramref name="folders"/>.</summary>
    /// <returns>What was done, for the log and for tests.</returns>
    internal static MendOutcome Apply(IReadOnlyList<string> folders)
    {
        try
        {
            return Mend(folders);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            // A module initializer must not throw; TorchSharp's own load of the same files says what is wrong with them.
            return MendOutcome.Failed;
        }
    }

    private static MendOutcome Mend(IReadOnlyList<string> folders)
    {
        string? wrapper = NativeFolders.Find(folders, NativeFolders.TorchSharpLibrary);
        string? torch = NativeFolders.Find(folders, NativeFolders.TorchLibrary);
        if (wrapper is null || torch is null) return MendOutcome.NoBackend;

        byte[] image = File.ReadAllBytes(Path.Combine(wrapper, NativeFolders.TorchSharpLibrary));
        if (SystemHasVersion() || ElfVersionNeeds.Weaken(image, TooNewVersion) == 0) return MendOutcome.NotNeeded;
        // In this order each library finds its dependencies already loaded; the CUDA ones exist in a CUDA back end only.
        foreach (string name in new[] { "libc10.so", "libtorch_cpu.so", "libc10_cuda.so", "libtorch_cuda.so", "libtorch.so" })
        {
            string path = Path.Combine(torch, name);
            if (File.Exists(path)) NativeLibrary.TryLoad(path, out _);
        }
        return LoadImage(image) ? MendOutcome.Mended : MendOutcome.Failed;
    }

    /// <summary>Whether the C++ runtime of this system names the version; the dynamic loader would then accept the library as it is.</summary>
    private static bool SystemHasVersion()
    {
        if (!NativeLibrary.TryLoad("libstdc++.so.6", out _)) return false;
        string? path = File.ReadLines("/proc/self/maps")
            .Select(line => line[(line.IndexOf('/') is var slash && slash >= 0 ? slash : line.Length)..])
            .FirstOrDefault(file => Path.GetFileName(file).StartsWith("libstdc++.so", StringComparison.Ordinal));
        return path is not null && File.ReadAllBytes(path).AsSpan().IndexOf("GLIBCXX_3.4.32\0"u8) >= 0;
    }

    private static bool LoadImage(byte[] image)
    {
        const uint closeOnExec = 1;
        int descriptor = memfd_create(NativeFolders.TorchSharpLibrary, closeOnExec);
        if (descriptor < 0) return false;
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        RandomAccess.Write(handle, image, 0);
        return NativeLibrary.TryLoad($"/proc/self/fd/{descriptor}", out _);
    }

    [DllImport("libc", SetLastError = true)]
    private static extern int memfd_create([MarshalAs(UnmanagedType.LPStr)] string name, uint flags);
}

/// <summary>What <see cref="NativeLibraryMend"/> did.</summary>
internal enum MendOutcome
{
    /// <summary>No TorchSharp back end was found.</summary>
    NoBackend,

    /// <summary>The system loads the library as it is.</summary>
    NotNeeded,

    /// <summary>The library was mended in memory and loaded.</summary>
    Mended,

    /// <summary>The library cannot be read, or the mended image did not load either: TorchSharp's own load says why.</summary>
    Failed,
}
