using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class SiglipManifestTests
{
    public static IEnumerable<object[]> Manifests() => ReferenceCase.All().Where(c => c.Kind == "manifest")
        .SelectMany(c => Directory.GetFiles(c.Folder, "*.json").Order(StringComparer.Ordinal))
        .Where(path => SiglipManifest.Serves(Read(path)))
        .Select(path => new object[] { path });

    [TestMethod]
    [DynamicData(nameof(Manifests))]
    public void APublishedModelIsConstructedByName(string path) => SiglipManifest.Check(Path.GetFileName(path), Read(path));

    private static JsonElement Read(string path) => JsonDocument.Parse(File.ReadAllText(path)).RootElement;
}
