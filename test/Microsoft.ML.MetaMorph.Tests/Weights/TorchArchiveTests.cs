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

    /// <summary>A list of the memo, copied a thousand times by six bytes each; and what copies texts and tuples.</summary>
    [TestMethod]
    [DataRow("builtins\nset\n", "list", 10_000)]
    [DataRow("torch\nSize\n", "list", 10_000)]
    [DataRow("collections\nOrderedDict\n", "pairs", 10_000)]
    [DataRow("_codecs\nencode\n", "text", 40_000)]
    [DataRow("torch._utils\n_rebuild_tensor_v2\n", "tensor", 10_000)]
    public void CopiesWithoutEndAreRefused(string callee, string copied, int entries)
    {
        using var folder = new ScratchFolder();
        string path = WriteLegacy(folder, Copies(callee, copied, entries, times: 1000));
        string message = Assert.ThrowsExactly<InvalidDataException>(() => TensorArchive.Open(path)).Message;
        StringAssert.StartsWith(message, $"'{path}': refused: the pickle makes copies of ");
        StringAssert.EndsWith(message, " are allowed; a checkpoint needs no more. Nothing was executed. If you trust the file, load it in Python and save it again.");
        using TensorArchive once = TensorArchive.Open(WriteLegacy(folder, Copies(callee, copied, entries, times: 1)));
        Assert.IsEmpty(once.Tensors);
    }

    /// <summary>Memo 0: the name; memo 1: the arguments. Each further copy is made and dropped again.</summary>
    private static byte[] Copies(string callee, string copied, int entries, int times)
    {
        var pickle = new List<byte> { 0x80, 2, (byte)'c' };
        pickle.AddRange(System.Text.Encoding.ASCII.GetBytes(callee));
        pickle.AddRange([(byte)'q', 0, (byte)'0', (byte)'(']);
        byte[] many = copied == "pairs" ? [(byte)'X', 1, 0, 0, 0, (byte)'a', (byte)'K', 1, 0x86] : [(byte)'K', 1];
        if (copied == "text") pickle.AddRange([(byte)'X', .. BitConverter.GetBytes(entries), .. Enumerable.Repeat((byte)'a', entries), (byte)'X', 6, 0, 0, 0, .. "latin1"u8]);
        else if (copied == "tensor") pickle.AddRange(Tensor(entries));
        else pickle.AddRange([(byte)']', (byte)'(', .. Enumerable.Repeat(many, entries).SelectMany(item => item), (byte)'e']);
        pickle.AddRange([(byte)'t', (byte)'q', 1, (byte)'0']);
        for (int i = 0; i < times; i++) pickle.AddRange([(byte)'h', 0, (byte)'h', 1, (byte)'R', (byte)'0']);
        return [.. pickle, (byte)'N', (byte)'.'];
    }

    private static byte[] Tensor(int dimensions)
    {
        byte[] storage = [(byte)'(', (byte)'X', 7, 0, 0, 0, .. "storage"u8, (byte)'c', .. "torch\nFloatStorage\n"u8, (byte)'X', 1, 0, 0, 0, (byte)'0', (byte)'X', 3, 0, 0, 0, .. "cpu"u8, (byte)'K', 1, (byte)'t', (byte)'Q', (byte)'K', 0];
        byte[] sizes = [(byte)'(', .. Enumerable.Repeat((byte[])[(byte)'K', 1], dimensions).SelectMany(item => item), (byte)'t'];
        return [.. storage, .. sizes, (byte)'q', 2, (byte)'h', 2];
    }

    private static string Own(string file) => Path.Combine(ReferenceFolder.Repository, "test", "Microsoft.ML.MetaMorph.Tests", "Weights", "Samples", file);

    private static string WriteLegacy(ScratchFolder folder, byte[] pickle)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(Samples, "weights-bin", "nested-legacy.bin"));
        return folder.Write("a.pt", [.. whole[..137], .. pickle, 0x80, 2, (byte)']', (byte)'.']);   // its first three pickles have 137 bytes
    }
}
