using System.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A folder of checkpoints: each is there whole or not at all, and the newest stay.</summary>
[TestClass]
public sealed class CheckpointStoreTests
{
    private readonly List<string> _warnings = [];

    [TestMethod]
    public void WhatIsWrittenIsReadAgain()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        TrainingCheckpoint written = Checkpoint(12) with { Next = new StreamPlace(3, 1L << 40, 2, uint.MaxValue), ElapsedSeconds = 0.1 + 0.2, Items = 77 };
        using (var store = new CheckpointStore(folder.Path, 2)) store.Write(written, State(12));
        using var again = new CheckpointStore(folder.Path, 2);
        TrainingCheckpoint read = again.FindLast(_warnings.Add)!;
        Assert.AreEqual((12L, 77L, new StreamPlace(3, 1L << 40, 2, uint.MaxValue), 0.1 + 0.2, ScalarType.BFloat16, "asked for"), (read.Step, read.Items, read.Next, read.ElapsedSeconds, read.ComputeType, read.ComputeReason));
        Assert.IsNull(read.End);
        CollectionAssert.AreEqual(written.Options.ToArray(), read.Options.ToArray());
        bool used = false;
        again.Read(read, state =>
        {
            used = true;
            TensorAssert.AreIdentical(State(12)["value.w"], state["value.w"], "value.w");
            TensorAssert.AreIdentical(State(12)["step"], state["step"], "step");
        });
        Assert.IsTrue(used);
        Assert.IsEmpty(_warnings);
    }

    [TestMethod]
    public void TheNewestStayAndTheEndIsTheLast()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using var store = new CheckpointStore(folder.Path, 2);
        foreach (long step in new long[] { 9, 10, 11 }) store.Write(Checkpoint(step), State(step));
        CollectionAssert.AreEqual(new[] { "step-00000010", "step-00000011" }, Names(folder));
        store.Write(Checkpoint(11) with { End = TrainingEnd.TimeSpent }, State(11));
        CollectionAssert.AreEqual(new[] { "finished-00000011", "step-00000011" }, Names(folder));
        Assert.AreEqual(TrainingEnd.TimeSpent, store.FindLast(_warnings.Add)!.End);
    }

    [TestMethod]
    public void HalfOfOneIsPassedOverAndWhatKilledWritesLeftIsRemoved()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using (var store = new CheckpointStore(folder.Path, 9))
        {
            foreach (long step in new long[] { 1, 2, 3, 4, 5 }) store.Write(Checkpoint(step), State(step));
        }

        File.Delete(folder["step-00000005/state.safetensors"]);
        File.WriteAllText(folder["step-00000004/checkpoint.json"], File.ReadAllText(folder["step-00000004/checkpoint.json"])[..^9]);
        using (FileStream cut = File.OpenWrite(folder["step-00000003/state.safetensors"])) cut.SetLength(cut.Length - 1);
        File.Copy(folder["step-00000001/checkpoint.json"], folder["step-00000002/checkpoint.json"], overwrite: true);
        string leftover = ".step-00000006.0123456789abcdef0123456789abcdef.tmp";
        folder.Write($"{leftover}/state.safetensors", "half");
        folder.Write(".somebody's.tmp/else", "stays");
        long bytes = new FileInfo(folder["step-00000001/state.safetensors"]).Length;

        using var again = new CheckpointStore(folder.Path, 9);
        Assert.AreEqual(1, again.FindLast(_warnings.Add)!.Step);
        Assert.IsFalse(Directory.Exists(folder[leftover]));
        Assert.IsTrue(File.Exists(folder[".somebody's.tmp/else"]));
        Assert.HasCount(4, _warnings);
        Assert.AreEqual($"The checkpoint '{folder["step-00000005"]}' is not whole and is passed over: state.safetensors is missing.", _warnings[0]);
        StringAssert.StartsWith(_warnings[1], $"The checkpoint '{folder["step-00000004"]}' is not whole and is passed over: '{folder["step-00000004/checkpoint.json"]}' is not valid JSON: ");
        Assert.AreEqual($"The checkpoint '{folder["step-00000003"]}' is not whole and is passed over: state.safetensors has {bytes - 1} bytes, {bytes} were written.", _warnings[2]);
        Assert.AreEqual($"The checkpoint '{folder["step-00000002"]}' is not whole and is passed over: checkpoint.json is that of step-00000001.", _warnings[3]);

        // The training comes to that step again.
        again.Write(Checkpoint(5), State(5));
        Assert.AreEqual(5, again.FindLast(_ => Assert.Fail("whole"))!.Step);
    }

    /// <summary>Bytes of another value, in files of the length that was written.</summary>
    [TestMethod]
    public void WhatIsNotWhatWasWrittenIsPassedOver()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using (var store = new CheckpointStore(folder.Path, 9))
        {
            foreach (long step in new long[] { 1, 2, 3 }) store.Write(Checkpoint(step), State(step));
        }

        (string state, string header) = (folder["step-00000003/state.safetensors"], folder["step-00000002/checkpoint.json"]);
        byte[] bytes = File.ReadAllBytes(state);
        uint before = Castagnoli(bytes);
        bytes[20_000] ^= 1;
        File.WriteAllBytes(state, bytes);
        string text = File.ReadAllText(header), digits = text.Split("\"header_crc32c\": \"")[1][..8];
        Assert.AreEqual($"{Castagnoli(Encoding.UTF8.GetBytes(text.Replace(digits, "00000000"))):x8}", digits);
        File.WriteAllText(header, text = text.Replace("\"items\": 6", "\"items\": 7"));

        using var again = new CheckpointStore(folder.Path, 9);
        Assert.AreEqual(1, again.FindLast(_warnings.Add)!.Step);
        Assert.HasCount(2, _warnings);
        Assert.AreEqual($"The checkpoint '{folder["step-00000003"]}' is not whole and is passed over: state.safetensors has the checksum {Castagnoli(bytes):x8}, {before:x8} was written.", _warnings[0]);
        Assert.AreEqual($"The checkpoint '{folder["step-00000002"]}' is not whole and is passed over: '{header}': it has the checksum {Castagnoli(Encoding.UTF8.GetBytes(text.Replace(digits, "00000000"))):x8}, {digits} was written.", _warnings[1]);
    }

    [TestMethod]
    public void WithoutChecksumsItIsRead()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using var store = new CheckpointStore(folder.Path, 9);
        store.Write(Checkpoint(1), State(1));
        string header = folder["step-00000001/checkpoint.json"];
        string[] lines = File.ReadAllLines(header), without = [.. lines.Where(line => !line.Contains("crc32c"))];
        Assert.AreEqual(lines.Length - 2, without.Length);
        File.WriteAllLines(header, without);
        Assert.AreEqual(1, store.FindLast(_ => Assert.Fail("sound"))!.Step);
    }

    /// <summary>What is damaged stays where it is, and takes no sound one's place.</summary>
    [TestMethod]
    public void ADamagedOneIsNotCounted()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using (var store = new CheckpointStore(folder.Path, 1)) store.Write(Checkpoint(5), State(5));
        File.WriteAllText(folder["step-00000005/checkpoint.json"], "{");
        using var again = new CheckpointStore(folder.Path, 1);
        Assert.IsNull(again.FindLast(_warnings.Add));
        foreach (long step in new long[] { 2, 3 }) again.Write(Checkpoint(step), State(step));
        CollectionAssert.AreEqual(new[] { "step-00000003", "step-00000005" }, Names(folder));
        Assert.AreEqual(3, again.FindLast(_warnings.Add)!.Step);
        foreach (long step in new long[] { 5, 6 }) again.Write(Checkpoint(step), State(step));
        CollectionAssert.AreEqual(new[] { "step-00000006" }, Names(folder));
    }

    [TestMethod]
    public void TheChecksumIsCastagnolis()
    {
        Assert.AreEqual(0xE3069283u, Crc32C.Update(0, "123456789"u8), "the published check value");
        byte[] bytes = new byte[1000];
        new Random(4).NextBytes(bytes);
        foreach (int cut in new[] { 0, 1, 7, 8, 500, 999, 1000 })
            Assert.AreEqual(Castagnoli(bytes), Crc32C.Update(Crc32C.Update(0, bytes.AsSpan(0, cut)), bytes.AsSpan(cut)), $"cut at {cut}");
    }

    [TestMethod]
    public void AFullDiskEndsInWordsAndLeavesTheLastOneWhole()
    {
        if (!File.Exists("/dev/full")) Assert.Inconclusive("This system has no /dev/full.");
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using (var sound = new CheckpointStore(folder.Path, 1)) sound.Write(Checkpoint(1), State(1));
        using var store = new CheckpointStore(folder.Path, 1, _ => new FileStream("/dev/full", FileMode.Open, FileAccess.Write));
        IOException told = Assert.ThrowsExactly<IOException>(() => store.Write(Checkpoint(2), State(2)));
        StringAssert.StartsWith(told.Message, $"The checkpoint of step 2 (49,208 bytes) cannot be written into '{folder.Path}': No space left on device");
        StringAssert.EndsWith(told.Message, " The last one, 'step-00000001', is whole. Free space or give another CheckpointFolder, and fit again.");
        CollectionAssert.AreEqual(new[] { "step-00000001" }, Names(folder));
        Assert.AreEqual(1, store.FindLast(_ => Assert.Fail("whole"))!.Step);
    }

    [TestMethod]
    public void OneTrainingAtATimeHoldsTheFolder()
    {
        using var folder = new ScratchFolder();
        using (var store = new CheckpointStore(folder.Path, 1))
        {
            string told = Assert.ThrowsExactly<IOException>(() => new CheckpointStore(folder.Path, 1)).Message;
            StringAssert.StartsWith(told, $"'{folder.Path}' is in use by another training, or cannot be written to (");
            StringAssert.EndsWith(told, "). Give each training a CheckpointFolder of its own.");
        }

        new CheckpointStore(folder.Path, 1).Dispose();
    }

    [TestMethod]
    public void ANewerLayoutIsRefusedAndNotPassedOver()
    {
        using var scope = NewDisposeScope();
        using var folder = new ScratchFolder();
        using var store = new CheckpointStore(folder.Path, 2);
        store.Write(Checkpoint(1), State(1));
        store.Write(Checkpoint(2) with { Version = 2 }, State(2));
        Assert.AreEqual(
            $"'{folder["step-00000002/checkpoint.json"]}': the checkpoint is of version 2; this library reads version 1. Go on with the library that wrote it, or give another CheckpointFolder.",
            Assert.ThrowsExactly<NotSupportedException>(() => store.FindLast(_warnings.Add)).Message);
    }

    [TestMethod]
    public void WeightsOfAnotherArchitectureAreNamed()
    {
        using var scope = NewDisposeScope();
        AutoencoderTrainingOptions options = new();
        using AveragedOptimizer small = Optimizer(3, "w"), large = Optimizer(4, "w"), other = Optimizer(3, "v");
        Dictionary<string, Tensor> state = small.ExportAll().ToDictionary();
        CollectionAssert.AreEquivalent(new[] { "step", "exp_avg.w", "exp_avg_sq.w", "value.w" }, state.Keys.ToArray());
        Assert.AreEqual("The stored weights' 'value.w' has the shape [3], the parameter has [4].", Assert.ThrowsExactly<InvalidDataException>(() => large.ImportAll(state)).Message);
        Assert.AreEqual("The stored weights have no 'value.v': they are of another model or of other trainable parts.", Assert.ThrowsExactly<InvalidDataException>(() => other.ImportAll(state)).Message);
        state["value.x"] = ones(1);
        Assert.AreEqual("The stored weights' 'value.x' belongs to no trainable parameter.", Assert.ThrowsExactly<InvalidDataException>(() => small.ImportAll(state)).Message);

        AveragedOptimizer Optimizer(int length, string name) => new([new ParameterGroup("all", [(name, new TorchSharp.Modules.Parameter(ones(length)))])], options);
    }

    /// <summary>Bit by bit, as RFC 3720 writes it.</summary>
    private static uint Castagnoli(ReadOnlySpan<byte> bytes)
    {
        uint value = uint.MaxValue;
        foreach (byte next in bytes)
        {
            value ^= next;
            for (int bit = 0; bit < 8; bit++) value = (value & 1) == 1 ? 0x82F63B78 ^ (value >> 1) : value >> 1;
        }

        return ~value;
    }

    private static string[] Names(ScratchFolder folder) => [.. Directory.GetDirectories(folder.Path).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    private static Dictionary<string, Tensor> State(long step) => new() { ["step"] = tensor(step, ScalarType.Int64), ["value.w"] = full([300, 41], step, dtype: ScalarType.Float32) };

    private static TrainingCheckpoint Checkpoint(long step) => new()
    {
        Step = step,
        Items = 3 * step,
        Next = new StreamPlace(0, step),
        ElapsedSeconds = step,
        ComputeType = ScalarType.BFloat16,
        ComputeReason = "asked for",
        StateBytes = 0,
        Options = new Dictionary<string, string> { ["Trainer"] = "Toy", ["Training.LearningRate"] = "0.1" },
    };
}
