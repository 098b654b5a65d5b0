using FsCheck;
using FsCheck.Fluent;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class SafeTensorsWriterTests
{
    private static readonly ScalarType[] Types =
    [
        ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32,
        ScalarType.Int16, ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
    ];

    private static readonly string[] Letters = ["a", "Z", ".", "_", "0", "/", "\\", "\"", " ", "\n", "\0", "ü", "名", "🦋", "\u2028"];

    private static Gen<string> Names => Gen.Elements(Letters).ArrayOf().Select(string.Concat);

    private static Gen<long[]> Shapes => Gen.Choose(0, 4).Select(i => (long)i).ArrayOf().Where(s => s.Length <= 4);

    private static Gen<(string Name, long[] Shape, ScalarType Type)[]> Models
        => Names.Zip(Shapes).Zip(Gen.Elements(Types), (a, type) => (Name: a.Item1, Shape: a.Item2, Type: type)).ArrayOf()
            .Select(m => m.DistinctBy(t => t.Name, StringComparer.Ordinal).Where(t => t.Name != "__metadata__").ToArray());

    [TestMethod]
    public void WhatIsWrittenIsReadBack() => Prop.ForAll(Models.ToArbitrary(), model =>
    {
        using var folder = new ScratchFolder();
        using var scope = NewDisposeScope();
        var tensors = model.Select(t => KeyValuePair.Create(t.Name, Random(t.Shape, t.Type))).ToList();
        SafeTensorsWriter.Write(folder["m.safetensors"], tensors);
        CheckSame(tensors, folder["m.safetensors"]);
        var plain = PlainSafeTensors.Read(folder["m.safetensors"]);
        foreach ((string name, Tensor tensor) in tensors) TensorAssert.AreIdentical(tensor, plain[name], $"{name}, by the plain reader");
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(60));

    [TestMethod]
    public void ShardsHoldTheSameAsOneFile() => Prop.ForAll(Models.ToArbitrary(), Gen.Choose(1, 300).ToArbitrary(), (model, shardBytes) =>
    {
        using var folder = new ScratchFolder();
        using var scope = NewDisposeScope();
        var tensors = model.Select(t => KeyValuePair.Create(t.Name, Random(t.Shape, t.Type))).ToList();
        IReadOnlyList<string> written = SafeTensorsWriter.WriteSharded(folder.Path, tensors, shardBytes);
        CheckSame(tensors, folder.Path);
        CollectionAssert.AreEquivalent(written.ToArray(), Directory.GetFiles(folder.Path), "nothing else is left in the folder");
        SafeTensorsWriter.WriteSharded(folder.Path, tensors);
        CheckSame(tensors, folder.Path);
        CollectionAssert.AreEqual(new[] { folder["model.safetensors"] }, Directory.GetFiles(folder.Path), "shards of the earlier save are gone");
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(40));

    [TestMethod]
    public void StridedTensorsAreWrittenAsTheyLook()
    {
        using var folder = new ScratchFolder();
        using var scope = NewDisposeScope();
        Tensor x = arange(0, 60, dtype: ScalarType.Float32).view(3, 4, 5);
        KeyValuePair<string, Tensor>[] tensors = [new("transposed", x.transpose(0, 2)), new("column", x.select(2, 3)), new("repeated", x.select(0, 0).unsqueeze(0).expand(7, 4, 5)), new("scalar", x[1, 1, 1])];
        SafeTensorsWriter.Write(folder["m.safetensors"], tensors);
        CheckSame(tensors, folder["m.safetensors"]);
    }

    [TestMethod]
    public void FloatsAreConvertedOnTheWayAndIntegersAreNot()
    {
        using var folder = new ScratchFolder();
        using var scope = NewDisposeScope();
        Tensor x = randn(40, 30), ids = arange(0, 9, dtype: ScalarType.Int64);
        SafeTensorsWriter.Write(folder["m.safetensors"], [new("x", x.t()), new("ids", ids)], ScalarType.BFloat16);
        CheckSame([new("x", x.t().to(ScalarType.BFloat16)), new("ids", ids)], folder["m.safetensors"]);
    }

    [TestMethod]
    public void LargeConvertedTensorsAreWrittenPieceByPiece()
    {
        using var folder = new ScratchFolder();
        using var scope = NewDisposeScope();
        Tensor x = randn(9, 1 << 22);   // 72 MiB in half precision: two pieces
        SafeTensorsWriter.Write(folder["m.safetensors"], [new("x", x)], ScalarType.Float16);
        CheckSame([new("x", x.to(ScalarType.Float16))], folder["m.safetensors"]);
    }

    [TestMethod]
    public void AModelIsSavedOverTheFilesItIsMappedFrom()
    {
        using var folder = new ScratchFolder();
        using var scope = NewDisposeScope();
        Tensor values = randn(1000);
        SafeTensorsWriter.WriteSharded(folder.Path, [new("x", values)]);
        using TensorArchive archive = TensorArchive.Open(folder.Path);
        Tensor mapped = archive.Read("x");
        mapped.mul_(2);
        SafeTensorsWriter.WriteSharded(folder.Path, [new("x", mapped), new("y", archive.Read("x"))]);
        TensorAssert.AreIdentical(values * 2, mapped, "the mapped tensor");
        CheckSame([new("x", values * 2), new("y", values * 2)], folder.Path);
    }

    [TestMethod]
    public void MetadataAndAlignment()
    {
        using var folder = new ScratchFolder();
        using Tensor x = ones(3, dtype: ScalarType.Int8), y = ones(3, dtype: ScalarType.Float64);
        SafeTensorsWriter.Write(folder["m.safetensors"], [new("x", x), new("y", y)], metadata: new Dictionary<string, string> { ["step"] = "7" });
        using SafeTensorsArchive archive = SafeTensorsArchive.Open(folder["m.safetensors"]);
        Assert.AreEqual("pt", archive.Metadata["format"]);
        Assert.AreEqual("7", archive.Metadata["step"]);
        Assert.AreEqual(0, (8 + BitConverter.ToInt64(File.ReadAllBytes(folder["m.safetensors"]), 0)) % 64, "the data begins at a multiple of 64");
    }

    [TestMethod]
    public void WhatCannotBeWrittenIsRefusedAndLeavesNoFile()
    {
        using var folder = new ScratchFolder();
        using Tensor x = ones(2), complex = zeros(2, dtype: ScalarType.ComplexFloat32), shape = empty(2, device: META);
        string path = folder["m.safetensors"];
        TensorAssert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(path, [new("__metadata__", x)]), "__metadata__");
        TensorAssert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(path, [new("a", x), new("a", x)]), "'a'");
        TensorAssert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(path, [new("half \ud800", x)]), "surrogate");
        TensorAssert.Throws<ArgumentException>(() => SafeTensorsWriter.Write(path, [new("m", shape)]), "'m'", "meta");
        TensorAssert.Throws<ArgumentException>(() => SafeTensorsWriter.WriteSharded(folder.Path, [new("a", x), new("b", x), new("a", x)], maxShardBytes: 1), "'a'");
        TensorAssert.Throws<NotSupportedException>(() => SafeTensorsWriter.Write(path, [new("c", complex)]), "ComplexFloat32");
        Assert.AreEqual(0, Directory.GetFiles(folder.Path).Length, "no file is left behind");
    }

    internal static Tensor Random(long[] shape, ScalarType type) => ElementTypes.IsFloatingPoint(type) ? randn(shape).to(type)
        : type == ScalarType.Bool ? randint(0, 2, shape).to(type) : randint(0, 100, shape).to(type);

    private static void CheckSame(IReadOnlyList<KeyValuePair<string, Tensor>> expected, string path)
    {
        using TensorArchive archive = TensorArchive.Open(path);
        CollectionAssert.AreEquivalent(expected.Select(t => t.Key).ToArray(), archive.Tensors.Keys.ToArray());
        foreach ((string name, Tensor tensor) in expected)
        {
            using Tensor read = archive.Read(name);
            TensorAssert.AreIdentical(tensor, read, name);
        }
    }
}
