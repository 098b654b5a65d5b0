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
        string? folder = NativeFolders.Find(NativeFolders.Candidates(), NativeFolders.TorchSharpLibrary);
        if (folder is null) Assert.Inconclusive("TorchSharp's library for Linux is not here.");
        byte[] before = File.ReadAllBytes(Path.Combine(folder, NativeFolders.TorchSharpLibrary)), after = [.. before];
        int changed = ElfVersionNeeds.Weaken(after, "GLIBCXX_3.4.32");
        bool asksForIt = before.AsSpan().IndexOf("GLIBCXX_3.4.32\0"u8) >= 0;
        Assert.AreEqual(asksForIt, changed > 0, $"{changed} requirements were changed; the library {(asksForIt ? "names" : "does not name")} the version");
        Assert.AreEqual(changed, Enumerable.Range(0, before.Length).Count(i => before[i] != after[i]), "one byte a requirement");
        Assert.AreEqual(0, ElfVersionNeeds.Weaken(after, "GLIBCXX_3.4.32"), "a weak requirement is left alone");
        Assert.AreEqual(0, ElfVersionNeeds.Weaken(after, "GLIBCXX_9.9.99"), "a version that is not asked for");
    }

    [TestMethod]
    public void ADamagedLibraryIsLeftToTorchSharp()
    {
        if (NativeFolders.Find(NativeFolders.Candidates(), NativeFolders.TorchSharpLibrary) is not { } folder || !OperatingSystem.IsLinux())
        {
            Assert.Inconclusive("Libraries are mended on Linux only.");
            return;
        }
        byte[] whole = File.ReadAllBytes(Path.Combine(folder, NativeFolders.TorchSharpLibrary));
        foreach (int length in new[] { 65, 1000, whole.Length / 2 })
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => ElfVersionNeeds.Weaken(whole[..length], "GLIBCXX_3.4.32")).Message, $"outside of its {length} bytes");
        string damaged = Directory.CreateTempSubdirectory("damaged-").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(damaged, NativeFolders.TorchSharpLibrary), whole[..1000]);
            File.WriteAllText(Path.Combine(damaged, NativeFolders.TorchLibrary), "");
            // Where the system has the version nothing is read so closely.
            Assert.IsTrue(NativeLibraryMend.Apply([damaged]) is MendOutcome.Failed or MendOutcome.NotNeeded);
        }
        finally
        {
            Directory.Delete(damaged, recursive: true);
        }
    }

    [TestMethod]
    public void AnImageThatIsNoElfIsLeftAlone() => Assert.AreEqual(0, ElfVersionNeeds.Weaken(new byte[200], "GLIBCXX_3.4.32"));
}
