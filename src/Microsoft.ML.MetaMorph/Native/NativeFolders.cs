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

    /// <summary>The cache that a package's assembly lies in (…/CACHE/torchsharp/VERSION/lib/FRAMEWORK), the configured one, or the usual one.</summary>
    internal static string? PackageCache(string? assemblyFolder)
    {
        if (Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } configured) return configured;
        DirectoryInfo? package = assemblyFolder is null ? null : new DirectoryInfo(assemblyFolder).Parent?.Parent?.Parent;
        if (string.Equals(package?.Name, "torchsharp", StringComparison.OrdinalIgnoreCase)) return package!.Parent!.FullName;
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length == 0 ? null : Path.Combine(home, ".nuget", "packages");
    }

    private static string[] Platforms()
    {
        string architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        return [.. new[] { RuntimeInformation.RuntimeIdentifier, $"linux-{architecture}" }.Distinct().Select(id => Path.Combine("runtimes", id, "native"))];
    }

    /// <summary>libtorch and TorchSharp lie in different packages of the cache; newer versions first.</summary>
    private static IEnumerable<string> PackageFolders(string cache)
    {
        if (!Directory.Exists(cache)) yield break;
        foreach (string pattern in new[] { "torchsharp", "libtorch-c*" })
            foreach (string package in Directory.GetDirectories(cache, pattern).Order())
                foreach (string version in Directory.GetDirectories(package).OrderByDescending(VersionOf))
                    foreach (string platform in Platforms())
                        yield return Path.Combine(version, platform);
    }

    /// <summary>0.107 comes after 0.99; what is no version comes last.</summary>
    private static Version VersionOf(string folder) => Version.TryParse(Path.GetFileName(folder), out Version? version) ? version : new Version(0, 0);

    private static string? FolderOf(Assembly assembly) => Path.GetDirectoryName(assembly.Location) is { Length: > 0 } folder ? folder : null;
}
