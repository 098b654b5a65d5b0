using System.Reflection;
using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>Where the native libraries of TorchSharp may lie, in the order in which they are tried.</summary>
internal static class NativeFolders
{
    public const string TorchSharpLibrary = "libLibTorchSharp.so";
    public const string TorchLibrary = "libtorch_cpu.so";

    /// <summary>
    /// The folders of an application, a published application, a package consumer (whose native files stay in the package
    /// cache) and a notebook (whose managed assemblies are loaded from the package cache).
    /// </summary>
    public static IEnumerable<string> Candidates()
    {
        string platform = Path.Combine("runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        string portable = Path.Combine("runtimes", "linux-" + RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant(), "native");
        var folders = new List<string>();
        foreach (string root in Roots())
            folders.AddRange([root, Path.Combine(root, platform), Path.Combine(root, portable)]);
        if (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") is string searched)
            folders.AddRange(searched.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries));
        folders.AddRange(PackageCacheFolders(portable));
        return folders.Select(Path.GetFullPath).Distinct().Where(Directory.Exists);
    }

    /// <summary>The first candidate folder that holds <paramref name="file"/>, or null.</summary>
    public static string? Find(IEnumerable<string> candidates, string file)
        => candidates.FirstOrDefault(folder => File.Exists(Path.Combine(folder, file)));

    private static IEnumerable<string> Roots()
    {
        yield return AppContext.BaseDirectory;
        foreach (Assembly assembly in new[] { typeof(NativeFolders).Assembly, typeof(TorchSharp.torch).Assembly })
            if (Path.GetDirectoryName(assembly.Location) is { Length: > 0 } beside)
            {
                yield return beside;
                yield return Path.Combine(beside, "..", "..");     // package/lib/net8.0 → package
            }
    }

    /// <summary>libtorch and TorchSharp lie in different packages of the cache.</summary>
    private static IEnumerable<string> PackageCacheFolders(string platform)
    {
        string? cache = PackageCache();
        if (cache is null || !Directory.Exists(cache)) yield break;
        foreach (string pattern in new[] { "torchsharp", "libtorch-c*" })
            foreach (string package in Directory.GetDirectories(cache, pattern).Order())
                foreach (string version in Directory.GetDirectories(package).OrderDescending())
                    yield return Path.Combine(version, platform);
    }

    private static string? PackageCache()
    {
        if (Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } configured) return configured;
        // .../CACHE/torchsharp/VERSION/lib/net8.0/TorchSharp.dll, whatever the cache is called
        DirectoryInfo? version = new FileInfo(typeof(TorchSharp.torch).Assembly.Location).Directory?.Parent?.Parent;
        if (string.Equals(version?.Parent?.Name, "torchsharp", StringComparison.OrdinalIgnoreCase)) return version!.Parent!.Parent!.FullName;
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return home.Length == 0 ? null : Path.Combine(home, ".nuget", "packages");
    }
}
