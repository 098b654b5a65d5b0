namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Folders of pictures with captions beside them, or in one file.</summary>
[TestClass]
public sealed class CaptionFolderTests : FolderTests
{
    [TestMethod]
    public void CaptionsLieBesideTheirPictures()
    {
        Folder.Write("b.JPG", [1]);
        Folder.Write("b.caption", "\uFEFFsecond\n");
        Folder.Write("a.png", [1]);
        Folder.Write("a.txt", " first ");
        Folder.Write("sub/c.webp", [1]);
        Folder.Write("sub/c.txt", "third");
        Folder.Write("notes.md", "not of the data");
        RowReading[] rows = Read();
        CollectionAssert.AreEqual(new[] { "first", "second", "third" }, rows.Select(row => row.Row!.Responses[0]).ToArray());
        CollectionAssert.AreEqual(new[] { Folder["a.png"], Folder["b.JPG"], Folder["sub/c.webp"] }, rows.Select(row => row.Place.ToString()).ToArray());
        CollectionAssert.AreEqual(new[] { Folder["a.png"], Folder["b.JPG"], Folder["sub/c.webp"] }, rows.Select(row => row.Row!.Images[0].Path).ToArray());
    }

    [TestMethod]
    public void AMetadataFileGoesBefore()
    {
        Folder.Write("a.png", [1]);
        Folder.Write("a.txt", "not this");
        Folder.Write("metadata.jsonl", """
            {"file_name": "a.png", "text": "this", "more": 1}
            {"file_name": "a.png"}
            {"file_name": "b.png", "text": "gone"}
            {"file_name": "../a.png", "text": "outside"}
            """);
        RowReading[] rows = Read();
        Assert.AreEqual("this", rows[0].Row!.Responses[0]);
        Assert.AreEqual("the row has no 'text'; it has 'file_name'.", rows[1].Problem);
        StringAssert.StartsWith(rows[2].Problem, "the picture 'b.png' does not exist");
        StringAssert.StartsWith(rows[3].Problem, "the picture '../a.png' leads out of its folder by '..'.");
        Assert.AreEqual($"{Folder["metadata.jsonl"]}, line 4", rows[3].Place.ToString());
    }

    [TestMethod]
    public void WhatDoesNotPairIsSaid()
    {
        Folder.Write("a.png", [1]);
        Folder.Write("b.png", [1]);
        Folder.Write("b.txt", "one");
        Folder.Write("b.caption", "two");
        Folder.Write("c.txt", "alone");
        Folder.Write("d.png", [1]);
        Folder.Write("d.txt", "");
        Folder.Write("e.png", [1]);
        Folder.Write("e.txt", [0x61, 0xFF]);
        Folder.Write("f.png", [1]);
        Folder.Write("f.txt", new string('x', 101));
        Directory.CreateSymbolicLink(Folder["loop"], Folder.Path);
        RowReading[] rows = Read(new CaptionFolderOptions { MaximumRowBytes = 100 });
        CollectionAssert.AreEqual(
            new[]
            {
                $"{Folder["a.png"]}: the picture has no caption: neither 'a.txt' nor 'a.caption' lies beside it, and the folder has no metadata.jsonl. Write one of them.",
                $"{Folder["b.png"]}: the picture has two captions, 'b.txt' and 'b.caption'. Leave one.",
                $"{Folder["d.png"]}: the caption is empty, so there is nothing to learn. Write it, or take the row out.",
                $"{Folder["e.png"]}: byte 2 of the caption file 'e.txt' (0xFF) is not UTF-8. Save the file as UTF-8.",
                $"{Folder["f.png"]}: the caption file 'f.txt' has 101 bytes, more than MaximumRowBytes = 100. Raise it, or shorten the caption.",
                $"{Folder["c.txt"]}: this caption has no picture of the same name beside it. Put the picture there, or take the caption out.",
                $"{Folder["loop"]}: this folder is a symbolic link, which is not followed. Move the folder here, or read it as a source of its own.",
            },
            rows.Select(row => $"{row.Place}: {row.Problem}").ToArray());
    }

    private RowReading[] Read(CaptionFolderOptions? options = null) => [.. new MLContext().MetaMorph().Data.CaptionFolder(Folder.Path, options).Read()];
}
