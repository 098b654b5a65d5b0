using System.Reflection;
using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>Where the native libraries of TorchSharp may lie, in the order in which they are tried.</summary>
internal static class NativeFolders
{
    public const string TorchSharpLibrary = "libLibTorchSharp.so";
    public const string TorchLibrary = "libtorch_cpu.so";

    /// <summary>The folders of this process that exist.</summary>
    public static IEnumerable<string> Candidates() => Candidates(
        AppContext.BaseDirectory,
        [.. new[] { typeof(NativeFolders).Assembly, typeof(TorchSharp.torch).Assembly }.Select(FolderOf).OfType<string>()],
        AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string,
        PackageCache(FolderOf(typeof(TorchSharp.torch).Assembly)));

    /// <summary>
    /// The folders of an application, a published application, a package consumer (whose native files stay in the package cache) and
    /// a notebook (whose managed assemblies are loaded from the package cache).
    /// </summary>
    /// <param name="application">The application's folder.</param>
    /// <param name="assemblies">The folders of managed assemblies: beside them, and in the package that holds them.</param>
    /// <param name="searched">The host's own search path for native libraries; null where it has none.</param>
    /// <param name="packageCache">The folder of unpacked packages; null where there is none.</param>
    internal static IEnumerable<string> Candidates(string application, IReadOnlyList<string> assemblies, string? searched, string? packageCache)
    {
        var folders = new List<string>();
        foreach (string root in assemblies.SelectMany(folder => new[] { folder, Path.Combine(folder, "..", "..") }).Prepend(application))
            folders.AddRange([root, .. Platforms().Select(platform => Path.Combine(root, platform))]);
        if (searched is not null) folders.AddRange(searched.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        if (packageCache is not null) folders.AddRange(PackageFolders(packageCache));
        return folders.Select(Path.GetFullPath).Distinct().Where(Directory.Exists);
    }

    /// <summary>The first candidate folder that holds <paramref name="file"/>, or null.</summary>
    public static string? Find(IEnumerable<string> candidates, string file)
        => candidates.FirstOrDefault(folder => File.Exists(Path.Combine(folder, file)));

    /// <summary>
    /// The cache that the managed assembly was itself loaded from (…/CACHE/torchsharp/VERSION/lib/FRAMEWORK), as notebooks do; null for
    /// an assembly that lies elsewhere: an application without a back end must not borrow one that only its developer's machine has.
    /// </summary>
    internal static string? PackageCache(string? assemblyFolder)
    {
        DirectoryInfo? library = assemblyFolder is null ? null : new DirectoryInfo(assemblyFolder).Parent, package = library?.Parent?.Parent;
        return library?.Name == "lib" && string.Equals(package?.Name, "torchsharp", StringComparison.OrdinalIgnoreCase) ? package!.Parent?.FullName : null;
    }

    private static string[] Platforms()
    {
        string architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        return [.. new[] { RuntimeInformation.RuntimeIdentifier, $"linux-{architecture}" }.Distinct().Select(id => Path.Combine("runtimes", id, "native"))];
    }

    /// <summary>libtorch and TorchSharp lie in different packages of the cache; newer versions first.</summary>
    private static IEnumerable<string> PackageFolders(string cache)
    {
        foreach (string pattern in new[] { "torchsharp", "libtorch-c*" })
            foreach (string package in Folders(cache, pattern).Order())
                foreach (string version in Folders(package, "*").OrderByDescending(VersionOf))
                    foreach (string platform in Platforms())
                        yield return Path.Combine(version, platform);
    }

    /// <summary>The folders within a folder; none where it cannot be read, for then nothing can be loaded from it either.</summary>
    private static string[] Folders(string folder, string pattern)
    {
        try
        {
            return Directory.Exists(folder) ? Directory.GetDirectories(folder, pattern) : [];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>0.107 comes after 0.99; what is no version comes last.</summary>
    private static Version VersionOf(string folder) => Version.TryParse(Path.GetFileName(folder), out Version? version) ? version : new Version(0, 0);

    private static string? FolderOf(Assembly assembly) => Path.GetDirectoryName(assembly.Location) is { Length: > 0 } folder ? folder : null;
}
