using System.IO.Compression;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ModelZipTests : FolderTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void WeightsAreStoredAndAligned()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        using ZipArchive archive = ZipFile.OpenRead(path);
        ZipArchiveEntry weights = archive.Entries.Single(entry => entry.Name == ZipWeights.FileName);
        Assert.AreEqual(weights.Length, weights.CompressedLength);
        ZipRecord record = ZipDirectory.Read(path).Records[weights.FullName];
        using SafeTensorsArchive tensors = SafeTensorsArchive.Open(path, record.Offset, record.Length);
        using FileStream file = File.OpenRead(path);
        file.Position = record.Offset;
        using var reader = new BinaryReader(file);
        long data = record.Offset + 8 + reader.ReadInt64();
        Assert.AreEqual(0, data % 8, "the tensors of a stored entry start where they can be mapped");
        Assert.IsNotEmpty(tensors.Tensors);
    }

    [TestMethod]
    [DataRow(0L, true)]
    [DataRow(long.MaxValue, false)]
    public void BothWaysOfReadingGiveTheSameTensors(long mapFrom, bool inPlace)
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        Dictionary<string, float[]> expected = Tensors(path, long.MaxValue, out _);
        Dictionary<string, float[]> actual = Tensors(path, mapFrom, out bool mapped);
        Assert.AreEqual(inPlace, mapped);
        foreach ((string name, float[] values) in expected) CollectionAssert.AreEqual(values, actual[name], name);
    }

    [TestMethod]
    public void MappedWeightsKeepTheirZipFromBeingOverwritten()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        using (ZipArchive archive = ZipFile.OpenRead(path))
        {
        }

        using (FileStream file = File.OpenRead(path))
        using (var archive = new ZipArchive(file))
        {
            using ZipWeights weights = ZipWeights.Open(Reader(file, archive), Folder.Path, mapFrom: 0);
            Assert.IsTrue(weights.IsMappedInPlace);
            Assert.Throws<IOException>(() => File.Create(path));
            using Tensor first = weights.Archive.Read(weights.Archive.Tensors.Keys.First());
            Assert.IsGreaterThan(0, first.numel());
        }

        File.Create(path).Dispose();
    }

    [TestMethod]
    public void NothingIsLeftInTheTemporaryFolder()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        string temporary = Directory.CreateDirectory(Folder["temporary"]).FullName;
        var ml = new MLContext { TempFilePath = temporary };
        ITransformer loaded = ml.Model.Load(path, out _);
        ColumnValues.Rows(loaded.Transform(TinyModels.Captions(ml, 2)), ["VisualTokens"]);
        ((IDisposable)loaded).Dispose();
        Assert.IsEmpty(Directory.GetFileSystemEntries(temporary));
    }

    [TestMethod]
    public void ATransformersDirectoryIsAFolderOfPublishedFiles()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        string unpacked = Folder["unpacked"];
        ZipFile.ExtractToDirectory(path, unpacked);
        string config = Directory.GetFiles(unpacked, "config.json", SearchOption.AllDirectories).Single();
        using ImageEncoder encoder = ImageEncoder.Load(Path.GetDirectoryName(config)!);
        Assert.AreEqual(4, encoder.VisualTokenCount);
    }

    [TestMethod]
    public void AnEntryCompressedByAnotherToolStillLoads()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        string again = Folder["again.zip"];
        using (ZipArchive from = ZipFile.OpenRead(path))
        using (ZipArchive to = ZipFile.Open(again, ZipArchiveMode.Create))
        {
            foreach (ZipArchiveEntry entry in from.Entries)
            {
                using Stream source = entry.Open(), target = to.CreateEntry(entry.FullName, CompressionLevel.Optimal).Open();
                source.CopyTo(target);
            }
        }

        using var loaded = (IDisposable)_ml.Model.Load(again, out _);
    }

    private static ModelZipReader Reader(FileStream file, ZipArchive archive)
    {
        string entry = archive.Entries.Single(e => e.Name == ZipWeights.FileName).FullName;
        return new ModelZipReader(archive, file, entry[..entry.LastIndexOf('/')]);
    }

    private Dictionary<string, float[]> Tensors(string path, long mapFrom, out bool mapped)
    {
        using FileStream file = File.OpenRead(path);
        using var archive = new ZipArchive(file);
        using ZipWeights weights = ZipWeights.Open(Reader(file, archive), Folder.Path, mapFrom);
        mapped = weights.IsMappedInPlace;
        return weights.Archive.Tensors.Keys.ToDictionary(name => name, name =>
        {
            using Tensor tensor = weights.Archive.Read(name);
            return TensorMemory.Span<float>(tensor).ToArray();
        });
    }
}
