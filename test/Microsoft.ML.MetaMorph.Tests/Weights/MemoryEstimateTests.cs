using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class MemoryEstimateTests
{
    [TestMethod]
    public void BytesAreCountedByTypeAndPart()
    {
        using var folder = new ScratchFolder();
        using TensorArchive archive = Sample(folder);
        MemoryEstimate stored = MemoryEstimate.Of(archive);
        Assert.AreEqual(2000 + 400 + 80, stored.TotalBytes);
        Assert.AreEqual(0, stored.ConvertedBytes);
        Assert.AreEqual("2,480 bytes (BFloat16 2,000 bytes, Float32 400 bytes, Int64 80 bytes)", stored.ToString());
        TensorAssert.Throws<InsufficientMemoryException>(() => stored.Require(available: 0), "projector 400 bytes");
        MemoryEstimate wide = MemoryEstimate.Of(archive, ScalarType.Float32);
        Assert.AreEqual(4000 + 400 + 80, wide.TotalBytes, "integers keep their type");
        Assert.AreEqual(4000, wide.ConvertedBytes);
    }

    [TestMethod]
    public void TooLittleMemoryIsToldWithBothNumbers()
    {
        using var folder = new ScratchFolder();
        using TensorArchive archive = Sample(folder);
        MemoryEstimate estimate = MemoryEstimate.Of(archive);
        estimate.Require(available: 2480);
        TensorAssert.Throws<InsufficientMemoryException>(() => estimate.Require(10_000_000, "training", available: 5_000_000), "model.safetensors", "training", "10.0 MB", "5.0 MB", "projector");
        estimate.Require();   // a real machine has three kilobytes
    }

    [TestMethod]
    public void TheMachineSaysWhatItHas() => Assert.IsTrue(AvailableMemory.Measure() > 1 << 20);

    [TestMethod]
    public void TheTightestLimitCounts()
    {
        using var folder = new ScratchFolder();
        folder.Write("proc/meminfo", "MemTotal:       8000000 kB\nMemFree:         100000 kB\nMemAvailable:    4000000 kB\n");
        Assert.AreEqual(4_000_000L * 1024, AvailableMemory.OnLinux(folder.Path), "the machine alone");
        folder.Write("proc/self/cgroup", "0::/outer/inner\n");
        folder.Write("sys/fs/cgroup/outer/inner/memory.max", "max\n");
        folder.Write("sys/fs/cgroup/outer/inner/memory.current", "5\n");
        folder.Write("sys/fs/cgroup/outer/memory.max", "1000000000\n");
        folder.Write("sys/fs/cgroup/outer/memory.current", "700000000\n");
        folder.Write("sys/fs/cgroup/outer/memory.stat", "anon 1\ninactive_file 100000000\n");
        Assert.AreEqual(400_000_000, AvailableMemory.OnLinux(folder.Path), "a group above, less what can be reclaimed");
        folder.Write("proc/self/cgroup", "12:cpu,memory:/docker/abc\n");
        folder.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "900000000\n");
        folder.Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "950000000\n");
        Assert.AreEqual(0, AvailableMemory.OnLinux(folder.Path), "version 1, the host's path unseen");
        Assert.IsNull(AvailableMemory.OnLinux(folder["nowhere"]));
    }

    private static TensorArchive Sample(ScratchFolder folder)
    {
        using Tensor language = zeros(10, 100, dtype: ScalarType.BFloat16), projector = zeros(100), ids = zeros(10, dtype: ScalarType.Int64);
        SafeTensorsWriter.WriteSharded(folder.Path, [new("model.embed_tokens.weight", language), new("model.mm_projector.weight", projector), new("ids", ids)]);
        return TensorArchive.Open(folder.Path);
    }
}
