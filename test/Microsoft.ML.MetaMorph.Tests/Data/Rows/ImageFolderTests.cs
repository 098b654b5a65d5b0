namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Paths in data are foreign text: nothing is fetched, and nothing outside the folder is read.</summary>
[TestClass]
public sealed class ImageFolderTests : FolderTests
{
    private string Root => Folder["pictures"];

    private ImageFolder Open()
    {
        Folder.Write("pictures/sub/a.png", [1, 2]);
        Folder.Write("outside/b.png", [3]);
        return new ImageFolder(Root);
    }

    [TestMethod]
    public void FilesInsideAreFoundAndReadLater()
    {
        RowImage image = Open().Image("sub/a.png");
        Assert.AreEqual(Path.Combine(Root, "sub", "a.png"), image.Path);
        CollectionAssert.AreEqual(new byte[] { 1, 2 }, image.ReadBytes());
        Assert.AreEqual(image.Path, Open().Image("./sub/./a.png").Path);
    }

    [TestMethod]
    [DataRow("http://example.org/a.png")]
    [DataRow("https://example.org/a.png")]
    [DataRow("s3://bucket/a.png")]
    [DataRow("file:///etc/passwd")]
    [DataRow("file:a.png")]
    [DataRow("FILE:a.png")]
    [DataRow("data:image/png;base64,AAAA")]
    [DataRow(@"\\server\share\a.png")]
    [DataRow("//server/share/a.png")]
    public void AddressesAreNeverFetched(string path)
        => Assert.AreEqual($"the picture '{path}' is an address, and pictures are never fetched. Download it, and write its path from the picture folder '{Root}' on.", Problem(path));

    [TestMethod]
    [DataRow("/etc/passwd")]
    [DataRow(@"\windows\a.png")]
    [DataRow(@"C:\a.png")]
    [DataRow("c:a.png")]
    public void AbsolutePathsAreRefused(string path)
        => Assert.AreEqual($"the picture '{path}' has an absolute path. Write it from the picture folder '{Root}' on.", Problem(path));

    /// <summary>Even where the file is inside: whoever writes such a path does not mean the folder.</summary>
    [TestMethod]
    public void AnAbsolutePathIntoTheFolderIsRefused() => StringAssert.Contains(Problem(Path.Combine(Root, "sub/a.png")), "has an absolute path");

    [TestMethod]
    [DataRow("../outside/b.png")]
    [DataRow("sub/../../outside/b.png")]
    [DataRow("sub/../sub/a.png")]
    public void DotsThatLeadUpAreRefused(string path)
        => Assert.AreEqual($"the picture '{path}' leads out of its folder by '..'. Write paths from the picture folder '{Root}' on.", Problem(path));

    [TestMethod]
    public void WhatIsNotThereIsTold()
    {
        Assert.AreEqual($"the picture 'no.png' does not exist (looked in {Path.Combine(Root, "no.png")}). Put it there, name another picture folder, or take the row out.", Problem("no.png"));
        Assert.AreEqual($"the picture 'sub' is a folder, no file (looked in {Path.Combine(Root, "sub")}). Put it there, name another picture folder, or take the row out.", Problem("sub"));
        Assert.AreEqual("the path of a picture is empty. Name the file, or leave the picture and its <image> mark out.", Problem(" "));
        Assert.AreEqual("the path of a picture holds a zero character, which no file name has.", Problem("a\0.png"));
    }

    [TestMethod]
    public void LinksMayNotLeaveTheFolder()
    {
        ImageFolder folder = Open();
        File.CreateSymbolicLink(Path.Combine(Root, "inside.png"), "sub/a.png");
        File.CreateSymbolicLink(Path.Combine(Root, "file.png"), Folder["outside/b.png"]);
        Directory.CreateSymbolicLink(Path.Combine(Root, "linked"), "../outside");
        File.CreateSymbolicLink(Path.Combine(Root, "loop.png"), "loop.png");
        Assert.AreEqual(Path.Combine(Root, "sub", "a.png"), folder.Image("inside.png").Path);
        string advice = "Copy it into the folder, or name the folder that it lies in.";
        Assert.AreEqual($"the picture 'file.png' leads out of the picture folder '{Root}' by a symbolic link, to {Folder["outside/b.png"]}. {advice}", Problem(folder, "file.png"));
        Assert.AreEqual($"the picture 'linked/b.png' leads out of the picture folder '{Root}' by a symbolic link, to {Folder["outside"]}. {advice}", Problem(folder, "linked/b.png"));
        Assert.AreEqual($"'{Path.Combine(Root, "loop.png")}' stands behind more than 40 symbolic links; they probably lead to one another.", Problem(folder, "loop.png"));
    }

    [TestMethod]
    public void TheFolderItselfMayBeALink()
    {
        Open();
        Directory.CreateSymbolicLink(Folder["link"], Root);
        Assert.AreEqual(Path.Combine(Root, "sub", "a.png"), new ImageFolder(Folder["link"]).Image("sub/a.png").Path);
    }

    private string Problem(string path) => Problem(Open(), path);

    private static string Problem(ImageFolder folder, string path) => Assert.ThrowsExactly<InvalidDataException>(() => folder.Image(path)).Message;
}
