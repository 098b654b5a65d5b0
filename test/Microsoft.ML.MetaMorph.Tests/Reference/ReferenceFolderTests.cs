namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The walk finds every case, where the user means it to look.</summary>
[TestClass]
public sealed class ReferenceFolderTests : FolderTests
{
    [TestMethod]
    public void CasesAreFoundAtAnyDepth()
    {
        foreach (string path in new[] { "shallow", "group/deep", "group/more/deeper" }) Folder.Write($"{path}/case.json", "{}");
        Folder.Write("group/plain/notes.txt", "no case");
        CollectionAssert.AreEqual(new[] { "group/deep", "group/more/deeper", "shallow" }, ReferenceFolder.Cases(Folder.Path));
        CollectionAssert.AreEqual(new[] { "." }, ReferenceFolder.Cases(Folder["shallow"]));
        Assert.AreEqual("shallow", new ReferenceCase(Path.Combine(Folder["shallow"], ".")).Name);
        Assert.AreEqual("deep", new ReferenceCase(Path.Combine(Folder.Path, "group/deep")).Name);
    }

    [TestMethod]
    public void AFolderWithoutCasesSaysWhy()
    {
        Assert.IsEmpty(ReferenceFolder.Cases(Folder.Path));
        Assert.AreEqual($"No reference case in {Folder.Path} (from the environment variable METAMORPH_REFERENCE, '{Folder.Path}'): no folder in it, at any depth, holds a case.json.", ReferenceFolder.Absence(Folder.Path, Folder.Path));
        Assert.AreEqual($"No reference case in {Folder["none"]} (from the repository): there is no such folder.", ReferenceFolder.Absence(Folder["none"], null));
        Assert.AreEqual(
            $"No reference case in {Folder["none"]} (from the environment variable METAMORPH_REFERENCE, 'none'): there is no such folder. A relative path begins at the folder of the shell (PWD), or at the repository, {ReferenceFolder.Repository}, where that is not set.",
            ReferenceFolder.Absence(ReferenceFolder.Resolve("none", Folder.Path), "none"));
    }

    [TestMethod]
    public void ARelativeFolderBeginsWhereTheUserCalled()
    {
        Assert.AreEqual(Path.Combine(Folder.Path, "a", "b"), ReferenceFolder.Resolve("a/b", Folder.Path));
        Assert.AreEqual(Folder.Path, ReferenceFolder.Resolve(".", Folder.Path));
        Assert.AreEqual(Path.Combine(ReferenceFolder.Repository, "test", "reference"), ReferenceFolder.Resolve("test/reference", null));
        Assert.AreEqual(Path.Combine(ReferenceFolder.Repository, "x"), ReferenceFolder.Resolve("x", "not/absolute"));
        Assert.AreEqual(Folder.Path, ReferenceFolder.Resolve(Folder.Path, Path.GetTempPath()));
        Assert.AreEqual(ReferenceFolder.Own, ReferenceFolder.Resolve("", Folder.Path));
    }
}
