using System.IO.Compression;
using System.Xml.Linq;

namespace Package.Tests;

/// <summary>Packs the library and uses the package as a stranger does: outside the repository, with an empty package cache.</summary>
[TestClass]
public sealed class PackageTests
{
    private static string s_work = "";

    private static string Feed => Path.Combine(s_work, "feed");

    private static string Consumer => Path.Combine(s_work, "consumer");

    private static string PackageFile => Path.Combine(Feed, $"{Repository.PackageId}.{Repository.PackageVersion}.nupkg");

    [ClassInitialize]
    public static void Pack(TestContext context)
    {
        s_work = Directory.CreateTempSubdirectory("metamorph-package-").FullName;
        string project = Path.Combine(Repository.Root, "src", "Microsoft.ML.MetaMorph", "Microsoft.ML.MetaMorph.csproj");
        // Restored with the repository's own packages; only the consumer starts from an empty cache.
        string cache = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        new DotNet(Repository.Root, cache).Run("pack", project, "-c", Repository.Configuration, "--no-build", "-o", Feed);
    }

    [ClassCleanup]
    public static void Clean() => Directory.Delete(s_work, recursive: true);

    [TestMethod]
    public void ThePackageHasEverythingThatAGalleryShows()
    {
        using ZipArchive package = ZipFile.OpenRead(PackageFile);
        string[] entries = [.. package.Entries.Select(e => e.FullName)];
        foreach (string expected in new[] { "README.md", "icon.png", "lib/net10.0/Microsoft.ML.MetaMorph.dll", "lib/net10.0/Microsoft.ML.MetaMorph.xml" })
            CollectionAssert.Contains(entries, expected);
        XElement metadata = Nuspec(package).Root!.Elements().Single(e => e.Name.LocalName == "metadata");
        Assert.AreEqual("MIT", metadata.Elements().Single(e => e.Name.LocalName == "license").Value);
        Assert.IsTrue(File.Exists(Path.ChangeExtension(PackageFile, ".snupkg")), "symbols");
    }

    [TestMethod]
    public void ThePackageBringsNoNativeBackEnd()
    {
        using ZipArchive package = ZipFile.OpenRead(PackageFile);
        string[] dependencies = [.. Nuspec(package).Descendants().Where(e => e.Name.LocalName == "dependency").Select(e => e.Attribute("id")!.Value)];
        CollectionAssert.Contains(dependencies, "TorchSharp");
        Assert.IsFalse(dependencies.Any(id => id.StartsWith("libtorch", StringComparison.OrdinalIgnoreCase) || id.StartsWith("TorchSharp-", StringComparison.OrdinalIgnoreCase)), string.Join(", ", dependencies));
        string microsoftMl = Nuspec(package).Descendants().Single(e => e.Name.LocalName == "dependency" && e.Attribute("id")!.Value == "Microsoft.ML").Attribute("version")!.Value;
        Assert.AreEqual("[5.0.1, 6.0.0)", microsoftMl, "internals of Microsoft.ML are used: the next major version must be tried first");
    }

    [TestMethod]
    public void AFreshConsoleProjectTrainsSavesAndLoads()
    {
        WriteConsumer();
        var dotnet = new DotNet(Consumer, Path.Combine(s_work, "packages"));
        dotnet.Run("build", "-c", "Release");
        string zip = Path.Combine(s_work, "model.zip");
        StringAssert.Contains(dotnet.Run("run", "-c", "Release", "--no-build", "--", "train", zip), "saved");
        StringAssert.Contains(dotnet.Run("run", "-c", "Release", "--no-build", "--", "load", zip), "answered");
    }

    private static void WriteConsumer()
    {
        Directory.CreateDirectory(Consumer);
        foreach (string source in Directory.GetFiles(Path.Combine(Repository.Root, "test", "Package.Tests", "consumer"), "*.cs"))
            File.Copy(source, Path.Combine(Consumer, Path.GetFileName(source)));
        File.WriteAllText(Path.Combine(Consumer, "Consumer.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <CreateHardLinksForCopyLocalIfPossible>true</CreateHardLinksForCopyLocalIfPossible>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="{Repository.PackageId}" Version="{Repository.PackageVersion}" />
                <PackageReference Include="TorchSharp-cpu" Version="0.107.0" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(Consumer, "NuGet.config"), $"""
            <configuration>
              <packageSources>
                <add key="packed" value="{Feed}" />
              </packageSources>
            </configuration>
            """);
    }

    private static XDocument Nuspec(ZipArchive package)
    {
        using Stream stream = package.Entries.Single(e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream);
    }
}
