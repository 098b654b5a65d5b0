using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>Floats outside the managed heap, on cache lines of their own, freed together.</summary>
internal sealed unsafe class NativeArena : IDisposable
{
    private const int CacheLine = 64;
    private readonly List<nint> _blocks = [];

    ~NativeArena() => Free();

    /// <summary>Zeroed floats; they live as long as the arena.</summary>
    public float* Floats(long count)
    {
        nuint bytes = checked((nuint)Math.Max(count, 1) * sizeof(float));
        void* block = NativeMemory.AlignedAlloc(bytes, CacheLine);
        NativeMemory.Clear(block, bytes);
        _blocks.Add((nint)block);
        return (float*)block;
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        foreach (nint block in _blocks) NativeMemory.AlignedFree((void*)block);
        _blocks.Clear();
    }
}
