using System.IO.Compression;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ZipDirectoryTests
{
    [TestMethod]
    public void EntriesAreFoundWhereDotNetWroteThem()
    {
        using var folder = new ScratchFolder();
        using Tensor x = randn(3, 5);
        using (ZipArchive zip = ZipFile.Open(folder["a.zip"], ZipArchiveMode.Create))
        {
            using (Stream text = zip.CreateEntry("notes/ü.txt", CompressionLevel.Optimal).Open()) text.Write(new byte[1000]);
            using (Stream weights = zip.CreateEntry("model.safetensors", CompressionLevel.NoCompression).Open()) SafeTensorsWriter.Write(weights, [new("x", x)]);
            zip.Comment = "a comment at the end";
        }
        IReadOnlyDictionary<string, ZipRecord> records = ZipDirectory.Read(folder["a.zip"]).Records;
        Assert.IsFalse(records["notes/ü.txt"].IsStored);
        Assert.AreEqual(1000, records["notes/ü.txt"].Length);
        ZipRecord stored = records["model.safetensors"];
        Assert.IsTrue(stored.IsStored);
        using SafeTensorsArchive archive = SafeTensorsArchive.Open(folder["a.zip"], stored.Offset, stored.Length);
        using Tensor read = archive.Read("x");
        TensorAssert.AreIdentical(x, read, "x");
    }

    [TestMethod]
    public void AFileThatIsNoZipIsRefused()
    {
        using var folder = new ScratchFolder();
        TensorAssert.Throws<InvalidDataException>(() => ZipDirectory.Read(folder.Write("a.zip", "PK but nothing else")), "a.zip", "truncated");
        TensorAssert.Throws<InvalidDataException>(() => ZipDirectory.Read(folder.Write("b.zip", "")), "b.zip");
    }
}
