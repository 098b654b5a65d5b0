namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Each layout in which applications, package consumers and notebooks keep the native libraries.</summary>
[TestClass]
public sealed class NativeFoldersTests
{
    private string _root = "";

    [TestInitialize]
    public void Create() => _root = Directory.CreateTempSubdirectory("native-folders-").FullName;

    [TestCleanup]
    public void Delete() => Directory.Delete(_root, recursive: true);

    [TestMethod]
    public void BesideTheApplication()
    {
        string folder = Put("app", NativeFolders.TorchSharpLibrary, NativeFolders.TorchLibrary);
        Finds(folder, folder, Path.Combine(_root, "app"), [], null, null);
    }

    [TestMethod]
    public void InTheRuntimesFolderOfAnApplication()
    {
        string folder = Put("app/runtimes/linux-x64/native", NativeFolders.TorchSharpLibrary, NativeFolders.TorchLibrary);
        Finds(folder, folder, Path.Combine(_root, "app"), [], null, null);
    }

    [TestMethod]
    public void OnTheSearchPathOfTheHost()
    {
        string first = Put("host/one", NativeFolders.TorchLibrary), second = Put("host/two", NativeFolders.TorchSharpLibrary);
        Finds(second, first, Put("app"), [], string.Join(Path.PathSeparator, first, second), null);
    }

    [TestMethod]
    public void InDifferentPackagesOfTheCache()
    {
        string wrapper = Put("cache/torchsharp/0.107.0/runtimes/linux-x64/native", NativeFolders.TorchSharpLibrary);
        string torch = Put("cache/libtorch-cpu-linux-x64/2.10.0/runtimes/linux-x64/native", NativeFolders.TorchLibrary);
        Finds(wrapper, torch, Put("app"), [], null, Path.Combine(_root, "cache"));
    }

    [TestMethod]
    public void BesideTheNotebooksAssembly()
    {
        string wrapper = Put("cache/torchsharp/0.107.0/runtimes/linux-x64/native", NativeFolders.TorchSharpLibrary);
        string assembly = Put("cache/torchsharp/0.107.0/lib/net8.0");
        Assert.AreEqual(wrapper, NativeFolders.Find(NativeFolders.Candidates(Put("tool"), [assembly], null, null), NativeFolders.TorchSharpLibrary));
    }

    [TestMethod]
    public void TheApplicationComesBeforeTheCache()
    {
        string own = Put("app/runtimes/linux-x64/native", NativeFolders.TorchLibrary);
        Put("cache/libtorch-cpu-linux-x64/2.10.0/runtimes/linux-x64/native", NativeFolders.TorchLibrary);
        Assert.AreEqual(own, NativeFolders.Find(NativeFolders.Candidates(Path.Combine(_root, "app"), [], null, Path.Combine(_root, "cache")), NativeFolders.TorchLibrary));
    }

    [TestMethod]
    public void TheNewestVersionComesFirst()
    {
        Put("cache/torchsharp/0.99.0/runtimes/linux-x64/native", NativeFolders.TorchSharpLibrary);
        string newer = Put("cache/torchsharp/0.107.0/runtimes/linux-x64/native", NativeFolders.TorchSharpLibrary);
        Assert.AreEqual(newer, NativeFolders.Find(NativeFolders.Candidates(Put("app"), [], null, Path.Combine(_root, "cache")), NativeFolders.TorchSharpLibrary));
    }

    [TestMethod]
    public void TheCacheIsSearchedOnlyByAssembliesThatLieInIt()
    {
        string cache = Path.Combine(_root, "cache");
        Assert.AreEqual(cache, NativeFolders.PackageCache(Put("cache/torchsharp/0.107.0/lib/net8.0")), "a notebook");
        Assert.AreEqual(cache, NativeFolders.PackageCache(Put("cache/TorchSharp/0.107.0/lib/net8.0")));
        foreach (string elsewhere in new[] { "app", "a/torchsharp/b/bin/net10.0", "torchsharp/bin/Release/net10.0", "cache/other/0.107.0/lib/net8.0" })
            Assert.IsNull(NativeFolders.PackageCache(Put(elsewhere)), elsewhere);
        Assert.IsNull(NativeFolders.PackageCache(null), "an assembly without a location");
        Assert.IsNull(NativeFolders.PackageCache("/"));
    }

    [TestMethod]
    public void AnApplicationDoesNotBorrowFromTheDevelopersCache()
    {
        Put("home/.nuget/packages/torchsharp/0.107.0/runtimes/linux-x64/native", NativeFolders.TorchSharpLibrary);
        Put("home/.nuget/packages/libtorch-cpu-linux-x64/2.10.0/runtimes/linux-x64/native", NativeFolders.TorchLibrary);
        string? before = Environment.GetEnvironmentVariable("NUGET_PACKAGES");
        Environment.SetEnvironmentVariable("NUGET_PACKAGES", Path.Combine(_root, "home", ".nuget", "packages"));
        try
        {
            string application = Put("app");
            Assert.AreEqual(MendOutcome.NoBackend, NativeLibraryMend.Apply([.. NativeFolders.Candidates(application, [application], null, NativeFolders.PackageCache(application))]));
        }
        finally
        {
            Environment.SetEnvironmentVariable("NUGET_PACKAGES", before);
        }
    }

    [TestMethod]
    public void ACacheThatCannotBeReadIsPassedOver()
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess)
        {
            Assert.Inconclusive("A privileged process reads everything.");
            return;
        }
        string package = Put("cache/torchsharp");
        Put("cache/libtorch-cpu-linux-x64/2.10.0");
        UnixFileMode before = File.GetUnixFileMode(package);
        foreach (string closed in new[] { package, Path.Combine(_root, "cache") })
        {
            File.SetUnixFileMode(closed, UnixFileMode.None);
            try
            {
                Assert.AreEqual(MendOutcome.NoBackend, NativeLibraryMend.Apply([.. NativeFolders.Candidates(Put("app"), [], null, Path.Combine(_root, "cache"))]));
            }
            finally
            {
                File.SetUnixFileMode(closed, before);
            }
        }
    }

    [TestMethod]
    public void NothingAnywhere()
    {
        Assert.AreEqual(MendOutcome.NoBackend, NativeLibraryMend.Apply([.. NativeFolders.Candidates(Put("app"), [], null, Path.Combine(_root, "no-cache"))]));
    }

    private static void Finds(string wrapper, string torch, string application, IReadOnlyList<string> assemblies, string? searched, string? cache)
    {
        if (System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture != System.Runtime.InteropServices.Architecture.X64) Assert.Inconclusive("The layouts are made for linux-x64.");
        string[] candidates = [.. NativeFolders.Candidates(application, assemblies, searched, cache)];
        Assert.AreEqual(wrapper, NativeFolders.Find(candidates, NativeFolders.TorchSharpLibrary));
        Assert.AreEqual(torch, NativeFolders.Find(candidates, NativeFolders.TorchLibrary));
    }

    private string Put(string folder, params string[] files)
    {
        string path = Directory.CreateDirectory(Path.Combine(_root, folder)).FullName;
        foreach (string file in files) File.WriteAllText(Path.Combine(path, file), "");
        return path;
    }
}
