using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed unsafe class AllocatorTuningTests
{
    private const string GnuLibrary = "libc.so.6";

    [TestMethod]
    public void TheEnvironmentCanForbidIt()
    {
        Assert.IsFalse(AllocatorTuning.Apply("system", null, GnuLibrary));
        Assert.IsFalse(AllocatorTuning.Apply(null, "131072", GnuLibrary));
    }

    [TestMethod]
    public void WithoutTheGnuLibraryNothingIsDone()
    {
        Assert.IsFalse(AllocatorTuning.Apply(null, null, "libc-that-is-not-there.so.6"));
    }

    [TestMethod]
    public void LargeBlocksAreNoMappingsOfTheirOwn()
    {
        nint address = 0;
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad(GnuLibrary, out nint library) || !NativeLibrary.TryGetExport(library, "mallinfo2", out address))
            Assert.Inconclusive("glibc 2.33 or newer tells how many blocks are mapped; it is not here.");
        Assert.IsTrue(AllocatorTuning.Apply(null, null, GnuLibrary));
        var information = (delegate* unmanaged<AllocatorInformation>)address;
        nuint before = information().MappedBlocks;
        // glibc would map this block, and give it back to the system when it is freed: the default threshold is 128 KiB, and never above 32 MiB.
        void* block = NativeMemory.Alloc(48 << 20);
        nuint with = information().MappedBlocks;
        NativeMemory.Free(block);
        Assert.AreEqual(before, with);
    }

    [TestMethod]
    public void ReleaseGivesHolesBack()
    {
        nint address = 0;
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad(GnuLibrary, out nint library) || !NativeLibrary.TryGetExport(library, "mincore", out address))
            Assert.Inconclusive("mincore tells which pages lie in memory; it is not here.");
        if (!AllocatorTuning.Apply()) Assert.Inconclusive("The environment forbids it.");
        var resident = (delegate* unmanaged<void*, nuint, byte*, int>)address;
        const int size = 8 << 20, page = 4096;
        void* block = NativeMemory.Alloc(size), behind = NativeMemory.Alloc(size);       // what lies behind keeps the hole a hole
        NativeMemory.Fill(block, size, 1);
        void* middle = (void*)(((nuint)block + (size / 2)) & ~(nuint)(page - 1));
        byte filled = 0, left = 1;
        Assert.AreEqual(0, resident(middle, page, &filled));
        NativeMemory.Free(block);
        Assert.IsTrue(AllocatorTuning.Release());
        Assert.AreEqual(0, resident(middle, page, &left));
        NativeMemory.Free(behind);
        Assert.AreEqual((1, 0), (filled & 1, left & 1));
    }

    /// <summary><c>struct mallinfo2</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct AllocatorInformation
    {
        public nuint Arena, FreeChunks, FastBins, MappedBlocks, MappedBytes, Unused, FastBytes, Used, Free, Top;
    }
}
