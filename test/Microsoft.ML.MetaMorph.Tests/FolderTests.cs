namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Tests that each work in a folder of their own, which is gone afterwards.</summary>
public abstract class FolderTests
{
    private protected ScratchFolder Folder { get; } = new();

    /// <summary>The weights that <see cref="TinyFolders"/> write.</summary>
    private protected string WeightsFile => Folder["model.safetensors"];

    [TestCleanup]
    public void RemoveFolder() => Folder.Dispose();
}
