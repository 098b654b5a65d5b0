using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class TorchArchiveTests
{
    private static readonly string Samples = ReferenceFolder.Own;

    [TestMethod]
    public void AWrappedStateDictIsUnwrappedAndTheRestHasDottedNames()
    {
        using TensorArchive archive = TensorArchive.Open(Path.Combine(Samples, "weights-bin", "nested.bin"));
        CollectionAssert.IsSubsetOf(new[] { "weight", "bias", "optimizer_state_dict.state.0.exp_avg" }, archive.Tensors.Keys.ToArray());
        Assert.IsFalse(archive.Tensors.Keys.Any(k => k.StartsWith("model_state_dict", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void AdapterCheckpointsAreRead()
    {
        using TorchArchive archive = TorchArchive.Open(Path.Combine(Samples, "adapter-mlp-2", "adapter_checkpoint.pt"));
        Assert.IsTrue(archive.Tensors.ContainsKey("layers.0.weight"));
        Assert.IsTrue(((PickleDictionary)archive.Root!).TryGet("global_step", out object? step) && step is long);
    }

    /// <summary><c>torch.save({"state_dict": {"a": arange(6.).view(2, 3).t(), "b": Parameter(ones(2))}, "opt": {"dtype": torch.float32, "dev": device("cpu"), "size": Size([1, 2]), "bytes": b"\x01\xff", "set": {1, 2}}})</c></summary>
    [TestMethod]
    public void WhatElseACheckpointMayHoldIsRead()
    {
        using TorchArchive archive = TorchArchive.Open(Own("wrapped.pt"));
        CollectionAssert.AreEquivalent(new[] { "a", "b" }, archive.Tensors.Keys.ToArray());
        using Tensor a = archive.Read("a"), expected = arange(6, dtype: ScalarType.Float32).view(2, 3).t();
        TensorAssert.AreIdentical(expected, a, "a");
        var values = CheckpointTree.Leaves(archive.Root, "/", archive.Location).ToDictionary(l => l.Key, l => l.Value);
        Assert.AreEqual("cpu", values["opt/dev"]);
        Assert.AreEqual(2L, values["opt/size/1"]);
        CollectionAssert.AreEqual(new byte[] { 1, 255 }, (byte[])values["opt/bytes"]!);
        Assert.AreEqual(ScalarType.Float32, ((PickleGlobal)values["opt/dtype"]!).ElementType);
        Assert.AreEqual(3L, (long)values["opt/set/0"]! + (long)values["opt/set/1"]!);
    }

    /// <summary><c>torch.save([arange(4), {"x": zeros(2)}])</c></summary>
    [TestMethod]
    public void TensorsOfAListAreNamedByTheirPlaces()
    {
        using TensorArchive archive = TensorArchive.Open(Own("list.pt"));
        CollectionAssert.AreEquivalent(new[] { "0", "1.x" }, archive.Tensors.Keys.ToArray());
    }

    [TestMethod]
    public void TensorsOutliveTheArchive()
    {
        string path = Path.Combine(Samples, "weights-bin", "mixed.bin");
        TensorArchive archive = TensorArchive.Open(path);
        Tensor transposed = archive.Read("transposed"), whole = archive.Read("whole");
        archive.Dispose();
        using (Tensor expected = whole.t()) TensorAssert.AreIdentical(expected, transposed, "transposed");
        whole.fill_(3);
        Assert.AreEqual(3f, transposed.mean().item<float>(), "the views share one storage");
        transposed.Dispose();
        whole.Dispose();
        Assert.IsFalse(SafeTensorsArchiveTests.IsMapped(path));
    }

    [TestMethod]
    public void ARefusedNameIsSpelledOut()
    {
        TensorAssert.Throws<InvalidDataException>(() => TensorArchive.Open(Path.Combine(Samples, "weights-bin", "class-namespace.bin")), "class-namespace.bin", "'argparse.Namespace'", "Nothing was executed");
        TensorAssert.Throws<InvalidDataException>(() => TensorArchive.Open(Path.Combine(Samples, "weights-bin", "bad-offset.bin")), "bad-offset.bin", "tensor '", "offset 2");
    }

    [TestMethod]
    public void AListThatHoldsItselfIsRefused()
    {
        using var folder = new ScratchFolder();
        byte[] pickle = [0x80, 2, (byte)']', (byte)'q', 0, (byte)'h', 0, (byte)'a', (byte)'.'];
        TensorAssert.Throws<InvalidDataException>(() => TensorArchive.Open(WriteLegacy(folder, pickle)), "nested");
    }

    [TestMethod]
    public void ListsThatHoldOneAnotherManyTimesAreRefused()
    {
        using var folder = new ScratchFolder();
        var pickle = new List<byte> { 0x80, 2, (byte)'K', 1 };
        for (byte level = 0; level < 60; level++)   // [x, x] of [x, x] of …: 2^60 leaves in 500 bytes
            pickle.AddRange([(byte)'q', level, (byte)'0', (byte)']', (byte)'(', (byte)'h', level, (byte)'h', level, (byte)'e']);
        pickle.Add((byte)'.');
        TensorAssert.Throws<InvalidDataException>(() => TensorArchive.Open(WriteLegacy(folder, [.. pickle])), "characters");
    }

    private static string Own(string file) => Path.Combine(ReferenceFolder.Repository, "test", "Microsoft.ML.MetaMorph.Tests", "Weights", "Samples", file);

    private static string WriteLegacy(ScratchFolder folder, byte[] pickle)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(Samples, "weights-bin", "nested-legacy.bin"));
        return folder.Write("a.pt", [.. whole[..137], .. pickle, 0x80, 2, (byte)']', (byte)'.']);   // its first three pickles have 137 bytes
    }
}
