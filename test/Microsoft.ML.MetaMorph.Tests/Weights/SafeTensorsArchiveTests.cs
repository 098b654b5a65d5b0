using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class SafeTensorsArchiveTests
{
    [TestMethod]
    public void TensorsAliasTheFileAndWritesStayPrivate()
    {
        using var folder = new ScratchFolder();
        using Tensor values = arange(0, 64, dtype: ScalarType.Float32);
        SafeTensorsWriter.Write(folder["a.safetensors"], [new("x", values)]);
        byte[] before = File.ReadAllBytes(folder["a.safetensors"]);
        using TensorArchive archive = TensorArchive.Open(folder["a.safetensors"]);
        using Tensor first = archive.Read("x"), second = archive.Read("x");
        Assert.AreEqual(TensorMemory.Address(first), TensorMemory.Address(second), "two reads share memory");
        Assert.AreEqual(0, TensorMemory.Address(first) % 64, "aligned");
        first.add_(1);
        Assert.AreEqual(63f + 1, second[63].item<float>());
        CollectionAssert.AreEqual(before, File.ReadAllBytes(folder["a.safetensors"]), "the file is untouched");
        using TensorArchive again = TensorArchive.Open(folder["a.safetensors"]);
        using Tensor fresh = again.Read("x");
        TensorAssert.AreIdentical(values, fresh, "a new mapping");
    }

    [TestMethod]
    public void TensorsOutliveTheArchiveAndTheMappingEndsWithTheLast()
    {
        using var folder = new ScratchFolder();
        string path = folder["long-lived.safetensors"];
        using Tensor values = arange(0, 4096, dtype: ScalarType.Float32), other = ones(8);
        SafeTensorsWriter.Write(path, [new("x", values), new("y", other)]);
        TensorArchive archive = TensorArchive.Open(path);
        Tensor x = archive.Read("x"), y = archive.Read("y"), view = x.narrow(0, 4000, 96);
        archive.Dispose();
        Assert.Throws<ObjectDisposedException>(() => archive.Read("x"));
        x.Dispose();
        Assert.AreEqual(4000f, First(view), "a view keeps the mapping");
        var parameter = new Parameter(view, requires_grad: false);
        y.Dispose();
        Assert.IsTrue(IsMapped(path), "still mapped for the parameter");
        Assert.AreEqual(4095f, Last(parameter));
        parameter.Dispose();
        Assert.IsFalse(IsMapped(path), "unmapped after the last tensor");
    }

    [TestMethod]
    public void AThousandOpensKeepMemoryFlat()
    {
        using var folder = new ScratchFolder();
        string path = folder["model.safetensors"];
        using (Tensor large = ones(1 << 18), flags = zeros(100, dtype: ScalarType.Bool)) SafeTensorsWriter.Write(path, [new("large", large), new("flags", flags)]);
        OpenAndRead(path, 50);
        long before = ResidentBytes();
        int lent = BorrowedTensor.Outstanding;   // after a collection: tensors that other tests dropped are gone
        OpenAndRead(path, 1000);
        Assert.AreEqual(lent, BorrowedTensor.Outstanding, "no address stays lent");
        Assert.IsFalse(IsMapped(path), "no mapping is left");
        Assert.IsTrue(ResidentBytes() - before < 32 << 20, $"grew by {ResidentBytes() - before} bytes");   // 1000 leaked mappings would be a gibibyte
    }

    [TestMethod]
    public void OpeningTwoGigabytesReadsTheHeaderOnly()
    {
        using var folder = new ScratchFolder();
        string path = folder["large.safetensors"];
        const int Count = 32;
        const long Bytes = 1L << 26;
        string entries = string.Join(",", Enumerable.Range(0, Count).Select(i => $"\"layers.{i}.weight\":{{\"dtype\":\"BF16\",\"shape\":[8192,4096],\"data_offsets\":[{i * Bytes},{(i + 1) * Bytes}]}}"));
        byte[] header = System.Text.Encoding.UTF8.GetBytes("{" + entries + "}");
        using (var stream = File.Create(path))
        {
            stream.Write(BitConverter.GetBytes((long)header.Length));
            stream.Write(header);
            stream.SetLength(8 + header.Length + Count * Bytes);   // the rest is a hole
        }
        long before = ResidentBytes();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        using TensorArchive archive = TensorArchive.Open(path);
        Tensor[] tensors = [.. archive.Tensors.Keys.Select(archive.Read)];
        TestContext.WriteLine($"2 GiB and {Count} tensors opened in {watch.Elapsed.TotalMilliseconds:F1} ms");
        Assert.IsTrue(ResidentBytes() - before < 64 << 20, $"grew by {ResidentBytes() - before} bytes");
        Assert.AreEqual(0f, tensors[^1][8191, 4095].to(ScalarType.Float32).item<float>());
        foreach (Tensor tensor in tensors) tensor.Dispose();
    }

    public required TestContext TestContext { get; init; }

    [TestMethod]
    public void AFileInsideAnotherFileIsRead()
    {
        using var folder = new ScratchFolder();
        using Tensor x = randn(5, 7), flags = ones(3, dtype: ScalarType.Bool);
        foreach (int offset in new[] { 0, 1, 64, 4096, 5003 })
        {
            using (var stream = File.Create(folder["outer.bin"]))
            {
                stream.Write(new byte[offset]);
                SafeTensorsWriter.Write(stream, [new("x", x), new("flags", flags)], position: offset);
                stream.Write(new byte[99]);
            }
            long length = new FileInfo(folder["outer.bin"]).Length - offset - 99;
            using SafeTensorsArchive archive = SafeTensorsArchive.Open(folder["outer.bin"], offset, length);
            using Tensor a = archive.Read("x"), b = archive.Read("flags");
            TensorAssert.AreIdentical(x, a, $"x at {offset}");
            TensorAssert.AreIdentical(flags, b, $"flags at {offset}");
            Assert.AreEqual(0, TensorMemory.Address(a) % 64, "the padding aligned the data in the outer file");
            TensorAssert.Throws<InvalidDataException>(() => SafeTensorsArchive.Open(folder["outer.bin"], offset, length + 100), "outer.bin");
        }
    }

    [TestMethod]
    public void AMissingTensorIsNamedWithCloseOnes()
    {
        using var folder = new ScratchFolder();
        using Tensor x = ones(2);
        SafeTensorsWriter.Write(folder["a.safetensors"], [new("layers.0.weight", x)]);
        using TensorArchive archive = TensorArchive.Open(folder["a.safetensors"]);
        TensorAssert.Throws<KeyNotFoundException>(() => archive.Read("layers.1.weight"), "a.safetensors", "'layers.1.weight'", "layers.0.weight");
    }

    [TestMethod]
    public void BoolsOtherThanZeroAndOneAreRead()
    {
        using var folder = new ScratchFolder();
        byte[] header = System.Text.Encoding.UTF8.GetBytes("""{"b":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]}}""");
        folder.Write("b.safetensors", [.. BitConverter.GetBytes((long)header.Length), .. header, 0, 7, 255]);
        using TensorArchive archive = TensorArchive.Open(folder["b.safetensors"]);
        using Tensor flags = archive.Read("b");
        CollectionAssert.AreEqual(new byte[] { 0, 1, 1 }, flags.bytes.ToArray());
    }

    [TestMethod]
    public void AnUnknownKindOfFileIsRefused()
    {
        using var folder = new ScratchFolder();
        folder.Write("model.gguf", "GGUF");
        TensorAssert.Throws<InvalidDataException>(() => TensorArchive.Open(folder["model.gguf"]), "model.gguf", ".safetensors");
        TensorAssert.Throws<FileNotFoundException>(() => TensorArchive.Open(folder["nothing.bin"]), "nothing.bin");
    }

    private static float First(Tensor tensor) => TensorMemory.Span<float>(tensor)[0];

    private static float Last(Tensor tensor) => TensorMemory.Span<float>(tensor)[^1];

    internal static bool IsMapped(string path) => OperatingSystem.IsLinux() && File.ReadLines("/proc/self/maps").Any(l => l.EndsWith(path, StringComparison.Ordinal));

    private static long ResidentBytes()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Environment.WorkingSet;
    }

    private static void OpenAndRead(string path, int times)
    {
        for (int i = 0; i < times; i++)
        {
            using TensorArchive archive = TensorArchive.Open(path);
            using Tensor large = archive.Read("large"), again = archive.Read("large"), flags = archive.Read("flags");
            Assert.AreEqual(1f, First(large));
        }
    }
}
