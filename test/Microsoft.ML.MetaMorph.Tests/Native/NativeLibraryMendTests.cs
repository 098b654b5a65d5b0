using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class NativeLibraryMendTests
{
    [TestMethod]
    public void TorchSharpWorksInThisProcess()
    {
        TorchBackend.Require();
        using var scope = NewDisposeScope();
        Assert.AreEqual(6f, ones(2, 3).sum().item<float>());
    }

    [TestMethod]
    public void WeakeningChangesOnlyTheNamedRequirement()
    {
        string folder = NativeFolders.Find(NativeFolders.Candidates(), NativeFolders.TorchSharpLibrary)!;
        byte[] before = File.ReadAllBytes(Path.Combine(folder, NativeFolders.TorchSharpLibrary)), after = [.. before];
        int changed = ElfVersionNeeds.Weaken(after, "GLIBCXX_3.4.32");
        Assert.AreEqual(changed, Enumerable.Range(0, before.Length).Count(i => before[i] != after[i]), "one byte a requirement");
        Assert.AreEqual(0, ElfVersionNeeds.Weaken(after, "GLIBCXX_3.4.32"), "a weak requirement is left alone");
        Assert.AreEqual(0, ElfVersionNeeds.Weaken(after, "GLIBCXX_9.9.99"), "a version that is not asked for");
    }

    [TestMethod]
    public void AnImageThatIsNoElfIsLeftAlone() => Assert.AreEqual(0, ElfVersionNeeds.Weaken(new byte[200], "GLIBCXX_3.4.32"));
}
