using System.IO.Compression;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class TorchCheckpointWriterTests : FolderTests
{
    [TestMethod]
    public void EveryElementTypeAndShapeComesBack()
    {
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>
        {
            ["matrix.weight"] = randn(3, 5),
            ["strided"] = randn(4, 6).t(),
            ["half"] = randn(7).to(ScalarType.Float16),
            ["brain"] = randn(2, 2).to(ScalarType.BFloat16),
            ["double"] = randn(2, dtype: ScalarType.Float64),
            ["ids"] = tensor(new long[] { 1, -2, 1L << 40 }),
            ["scalar"] = tensor(3.5f),
            ["empty"] = empty(0, 4),
        };
        string path = Folder["checkpoint.pt"];
        TorchCheckpointWriter.Write(path, tensors, globalStep: 5_000_000_000);
        using TorchArchive archive = TorchArchive.Open(path);
        CollectionAssert.AreEquivalent(tensors.Keys, archive.Tensors.Keys.ToArray());
        foreach ((string name, Tensor expected) in tensors)
        {
            using Tensor actual = archive.Read(name);
            TensorAssert.AreIdentical(expected.contiguous(), actual, name);
        }
        Assert.IsTrue(archive.IsZip);
        Assert.IsTrue(((PickleDictionary)archive.Root!).TryGet("global_step", out object? step));
        Assert.AreEqual(5_000_000_000L, long.Parse(step!.ToString()!, System.Globalization.CultureInfo.InvariantCulture));
    }

    [TestMethod]
    public void EntriesAreAlignedStoredAndSound()
    {
        using var scope = NewDisposeScope();
        string path = Folder["checkpoint.pt"];
        TorchCheckpointWriter.Write(path, new Dictionary<string, Tensor> { ["a"] = randn(3), ["b"] = randn(100, 7), ["c"] = randn(1) }, 1);
        foreach (ZipRecord record in ZipDirectory.Read(path).Records.Values) Assert.AreEqual(0, record.Offset % 64, record.Name);
        using ZipArchive zip = ZipFile.OpenRead(path);
        foreach (ZipArchiveEntry entry in zip.Entries)
        {
            Assert.AreEqual(entry.Length, entry.CompressedLength, entry.FullName);
            using Stream stream = entry.Open();
            var bytes = new byte[entry.Length];
            stream.ReadExactly(bytes);
            Assert.AreEqual(entry.Crc32, Crc32.Update(0, bytes), entry.FullName);
        }
        Assert.AreEqual(0xCBF43926u, Crc32.Update(0, "123456789"u8), "the checksum's published check value");
        Assert.AreEqual(Crc32.Update(0, "123456789"u8), Crc32.Update(Crc32.Update(0, "1234"u8), "56789"u8), "in pieces");
    }

    [TestMethod]
    public void AnEntryOfAnotherLengthIsRefused()
    {
        var zip = new StoredZipWriter(new MemoryStream());
        zip.Begin("a", 4);
        zip.Write("abc"u8);
        TensorAssert.Throws<InvalidOperationException>(zip.Finish, "'a'", "lacks 1 of 4");
        TensorAssert.Throws<InvalidOperationException>(() => zip.Write("de"u8), "'a'", "4 bytes");
    }
}
