using FsCheck;
using FsCheck.Fluent;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Files that were cut or changed anywhere are read, or refused with a clear error; nothing else ever happens.</summary>
[TestClass]
public sealed class CorruptFileTests
{
    private static readonly string Samples = ReferenceFolder.Own;

    public static IEnumerable<object[]> Files() =>
    [
        [Path.Combine("weights-hostile-safetensors", "ok-dtypes.safetensors")],
        [Path.Combine("weights-hostile-safetensors", "ok-metadata.safetensors")],
        [Path.Combine("weights-hostile-safetensors", "ok-scalar-and-empty.safetensors")],
        [Path.Combine("weights-bin", "mixed.bin")],
        [Path.Combine("weights-bin", "mixed-legacy.bin")],
        [Path.Combine("weights-bin", "nested.bin")],
        [Path.Combine("weights-bin", "nested-legacy.bin")],
        [Path.Combine("weights-bin", "protocol4.bin")],
        [Path.Combine("weights-bin", "module-state.bin")],
    ];

    [TestMethod]
    [DynamicData(nameof(Files))]
    public void ATruncatedFileIsRefused(string file)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(Samples, file));
        using var folder = new ScratchFolder();
        string path = folder[Path.GetFileName(file)];
        Prop.ForAll(Gen.Choose(0, whole.Length - 1).ToArbitrary(), length =>
        {
            File.WriteAllBytes(path, whole[..length]);
            StringAssert.Contains(Assert.Throws<InvalidDataException>(() => ReadAll(path)).Message, Path.GetFileName(file));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));
    }

    [TestMethod]
    [DynamicData(nameof(Files))]
    public void AChangedFileIsReadOrRefused(string file)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(Samples, file));
        using var folder = new ScratchFolder();
        string path = folder[Path.GetFileName(file)];
        // Most of the structure lies at the beginning and at the end; elements in between can hold anything.
        Gen<int> places = Gen.OneOf(Gen.Choose(0, whole.Length - 1), Gen.Choose(0, Math.Min(whole.Length, 600) - 1), Gen.Choose(Math.Max(0, whole.Length - 400), whole.Length - 1));
        Gen<(int Place, int Value)[]> changes = places.Zip(Gen.Choose(0, 255), (place, value) => (place, value)).NonEmptyListOf().Select(l => l.Take(4).ToArray());
        Prop.ForAll(changes.ToArbitrary(), edits =>
        {
            byte[] changed = [.. whole];
            foreach ((int place, int value) in edits) changed[place] = (byte)value;
            File.WriteAllBytes(path, changed);
            ReadOrRefuse(path);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(400));
    }

    [TestMethod]
    public void AnyBytesAreReadOrRefused()
    {
        using var folder = new ScratchFolder();
        Gen<byte[]> any = Gen.Choose(0, 255).Select(b => (byte)b).ArrayOf();
        Prop.ForAll(any.ToArbitrary(), bytes =>
        {
            ReadOrRefuse(folder.Write("a.safetensors", bytes));
            ReadOrRefuse(folder.Write("a.safetensors", [.. BitConverter.GetBytes((long)bytes.Length), .. bytes]));
            ReadOrRefuse(folder.Write("a.bin", [0x80, 2, .. bytes]));
            ReadOrRefuse(folder.Write("a.pt", [.. "PK\x03\x04"u8, .. bytes]));
            ReadOrRefuse(folder.Write("model.safetensors.index.json", bytes));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
    }

    private static void ReadOrRefuse(string path)
    {
        try
        {
            ReadAll(path);
        }
        catch (InvalidDataException refused)
        {
            StringAssert.Contains(refused.Message, Path.GetFileName(path));
        }
    }

    private static void ReadAll(string path)
    {
        using TensorArchive archive = TensorArchive.Open(path);
        foreach (string name in archive.Tensors.Keys)
        {
            using Tensor tensor = archive.Read(name);
            CollectionAssert.AreEqual(archive.Tensors[name].Shape, tensor.shape, name);
            if (tensor.numel() is > 0 and < 1 << 20) using (Tensor touched = tensor.contiguous()) Assert.AreEqual(tensor.numel(), touched.numel());
        }
    }
}
