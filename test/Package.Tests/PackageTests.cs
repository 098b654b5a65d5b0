using System.IO.Compression;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Package.Tests;

/// <summary>Packs the library and uses the package as a stranger does: outside the repository, with an empty package cache.</summary>
[TestClass]
public sealed class PackageTests
{
    private static string s_work = "";

    private static string Feed => Path.Combine(s_work, "feed");

    private static DotNet? s_consumer;

    private static string Packages => Path.Combine(s_work, "packages");

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

    /// <summary>Next major versions of these are known, or have to be tried, before the package may be used with them.</summary>
    [TestMethod]
    [DataRow("Microsoft.ML", "[5.0.1, 6.0.0)")]
    [DataRow("SkiaSharp", "[2.88.9, 3.0.0)")]
    public void ADependencyIsBoundAbove(string id, string range)
    {
        using ZipArchive package = ZipFile.OpenRead(PackageFile);
        XElement dependency = Nuspec(package).Descendants().Single(e => e.Name.LocalName == "dependency" && e.Attribute("id")!.Value == id);
        Assert.AreEqual(range, dependency.Attribute("version")!.Value);
    }

    /// <summary>A gallery shows the text without the repository: nothing in it may lead to a file beside it.</summary>
    [TestMethod]
    public void TheReadmeOfThePackageHasNoLinkThatNeedsTheRepository()
    {
        using ZipArchive package = ZipFile.OpenRead(PackageFile);
        using var reader = new StreamReader(package.GetEntry("README.md")!.Open());
        string packed = reader.ReadToEnd(), original = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        CollectionAssert.AreEqual(Array.Empty<string>(), Targets(packed).Where(target => !Uri.IsWellFormedUriString(target, UriKind.Absolute) && !target.StartsWith('#')).ToArray());
        // What was a URL still is, and the code blocks are there to the last character.
        foreach (string url in Targets(original).Where(target => Uri.IsWellFormedUriString(target, UriKind.Absolute))) CollectionAssert.Contains(Targets(packed), url);
        CollectionAssert.AreEqual(CodeBlocks(original), CodeBlocks(packed));
        StringAssert.Contains(packed, "Training your own");
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
        DotNet dotnet = Consumer();
        string zip = Path.Combine(s_work, "model.zip");
        StringAssert.Contains(dotnet.Run("run", "-c", "Release", "--no-build", "--", "train", zip), "saved");
        StringAssert.Contains(dotnet.Run("run", "-c", "Release", "--no-build", "--", "load", zip), "answered");
    }

    [TestMethod]
    public void WithoutABackEndTheFirstUseNamesThePackagesToAdd()
    {
        // On Linux the package cache holds a back end (the other project's): an application that has none of its own must not borrow it.
        if (OperatingSystem.IsLinux())
        {
            Consumer();
            Assert.IsNotEmpty(Directory.GetDirectories(Packages, "libtorch-*"));
        }

        DotNet dotnet = Create("bare", backEnd: "", OperatingSystem.IsLinux() ? Packages : Path.Combine(s_work, "other-packages"));
        string[] lines = dotnet.Run("run", "-c", "Release", "--no-build", "--", EncoderFolder()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (string use in new[] { "Fit", "Train", "Encode" })
        {
            string line = lines.Single(line => line.StartsWith(use + ": ", StringComparison.Ordinal));
            StringAssert.StartsWith(line, $"{use}: System.DllNotFoundException: The native library of TorchSharp could not be loaded. Add one of the packages TorchSharp-cpu, TorchSharp-cuda-linux or TorchSharp-cuda-windows (version 0.107.0) to the application; Microsoft.ML.MetaMorph itself references the managed library alone. Reason: ", string.Join("\n", lines));
        }
    }

    private static string[] Targets(string markdown) => [.. Regex.Matches(markdown, @"\]\(([^)\s]+)").Select(match => match.Groups[1].Value)];

    private static string[] CodeBlocks(string markdown) => [.. Regex.Matches(markdown, "```.*?```", RegexOptions.Singleline).Select(match => match.Value)];

    /// <summary>The console project with everything that it needs, built once.</summary>
    private static DotNet Consumer() => s_consumer ??= Create("consumer", """<PackageReference Include="TorchSharp-cpu" Version="0.107.0" />""", Packages);

    /// <summary>Writes and builds a console project outside of the repository.</summary>
    /// <param name="name">The folder beside this file with its sources.</param>
    /// <param name="backEnd">A reference to a native back end, or nothing.</param>
    /// <param name="packages">The package cache.</param>
    private static DotNet Create(string name, string backEnd, string packages)
    {
        string folder = Directory.CreateDirectory(Path.Combine(s_work, name)).FullName;
        foreach (string source in Directory.GetFiles(Path.Combine(Repository.Root, "test", "Package.Tests", name), "*.cs"))
            File.Copy(source, Path.Combine(folder, Path.GetFileName(source)));
        File.WriteAllText(Path.Combine(folder, "Project.csproj"), $"""
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
                {backEnd}
              </ItemGroup>
            </Project>
            """);
        Feeds().Save(Path.Combine(folder, "NuGet.config"));
        var dotnet = new DotNet(folder, packages);
        dotnet.Run("build", "-c", "Release");
        return dotnet;
    }

    /// <summary>An encoder that would open.</summary>
    private static string EncoderFolder()
    {
        string folder = Directory.CreateDirectory(Path.Combine(s_work, "encoder")).FullName;
        foreach (string name in new[] { "config.json", "model.safetensors" }) File.Copy(Path.Combine(Repository.Root, "test", "reference", "siglip-pooled", name), Path.Combine(folder, name));
        File.WriteAllText(Path.Combine(folder, "preprocessor_config.json"), """{ "image_processor_type": "SiglipImageProcessor", "size": { "height": 42, "width": 42 } }""");
        return folder;
    }

    /// <summary>The packed package and the feeds that the repository names: nothing that this machine adds.</summary>
    private static XDocument Feeds()
    {
        XElement named = XDocument.Load(Path.Combine(Repository.Root, "NuGet.config")).Root!.Element("packageSources")!;
        var sources = new XElement("packageSources", new XElement("clear"), new XElement("add", new XAttribute("key", "packed"), new XAttribute("value", Feed)));
        foreach (XElement feed in named.Elements("add"))
        {
            var copy = new XElement(feed);
            string value = feed.Attribute("value")!.Value;
            if (!Uri.TryCreate(value, UriKind.Absolute, out _)) copy.SetAttributeValue("value", Path.GetFullPath(value, Repository.Root));
            sources.Add(copy);
        }

        return new XDocument(new XElement("configuration", sources));
    }

    private static XDocument Nuspec(ZipArchive package)
    {
        using Stream stream = package.Entries.Single(e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream);
    }
}
