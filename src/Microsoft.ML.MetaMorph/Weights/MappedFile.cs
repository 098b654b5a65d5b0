using System.IO.MemoryMappedFiles;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A range of a file, mapped copy-on-write: pages are read when touched, and writes stay in this process.</summary>
/// <remarks>The mapping lives until this object is disposed <em>and</em> the last tensor over it is gone.</remarks>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedViewAccessor? _view;   // null for an empty range, which cannot be mapped

    private volatile bool _disposed;   // the view's handle counts as open while a tensor holds it

    private MappedFile(string path, long length, MemoryMappedViewAccessor? view)
    {
        Path = path;
        Length = length;
        _view = view;
    }

    public string Path { get; }

    public long Length { get; }

    private nint Address => _view!.SafeMemoryMappedViewHandle.DangerousGetHandle() + (nint)_view.PointerOffset;

    /// <summary>Maps <paramref name="length"/> bytes from <paramref name="offset"/>; null means up to the end of the file.</summary>
    /// <exception cref="InvalidDataException">The range leaves the file.</exception>
    public static MappedFile Open(string path, long offset = 0, long? length = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        long size = file.Length, count = length ?? size - offset;
        if (count < 0 || offset > size - count)
            throw new InvalidDataException($"'{path}': bytes {offset} to {(Int128)offset + count} are asked for, the file has {size}.");
        if (count == 0) return new MappedFile(path, 0, null);
        // The view outlives the mapping object and the file handle, so an archive of many shards holds no descriptors.
        using var mapping = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.CopyOnWrite, HandleInheritability.None, leaveOpen: true);
        return new MappedFile(path, count, mapping.CreateViewAccessor(offset, count, MemoryMappedFileAccess.CopyOnWrite));
    }

    /// <summary>A copy of some bytes; the range must lie within.</summary>
    public byte[] Bytes(long offset, int count)
    {
        var bytes = new byte[count];
        if (count > 0) Open(offset, count).ReadExactly(bytes);
        return bytes;
    }

    /// <summary>A stream over a range, which must lie within.</summary>
    public Stream Open(long offset, long count)
    {
        CheckRange(offset, count);
        return count == 0 ? new MemoryStream([], writable: false)
            : new UnmanagedMemoryStream(_view!.SafeMemoryMappedViewHandle, _view.PointerOffset + offset, count, FileAccess.Read);
    }

    /// <summary>The elements from <paramref name="offset"/> as a contiguous tensor: an alias, or a copy where an alias would not be sound.</summary>
    public Tensor Tensor(long offset, ReadOnlySpan<long> shape, ScalarType elementType)
    {
        long bytes = ElementTypes.CheckedBytes(shape, elementType) ?? throw new ArgumentOutOfRangeException(nameof(shape));
        CheckRange(offset, bytes);
        if (bytes == 0) return empty(shape.ToArray(), dtype: elementType, device: CPU);
        // A bool that is neither 0 nor 1 is undefined behaviour in libtorch's kernels, so bools are read as bytes and compared.
        if (elementType == ScalarType.Bool) return Bools(offset, shape);
        nint address = Address + (nint)offset;
        if (address % ElementTypes.Bytes(elementType) == 0) return BorrowedTensor.Create(address, shape, elementType, _view!.SafeMemoryMappedViewHandle);
        Tensor copy = empty(shape.ToArray(), dtype: elementType, device: CPU);
        Buffer.MemoryCopy((void*)address, (void*)TensorMemory.Address(copy), bytes, bytes);
        GC.KeepAlive(_view);
        return copy;
    }

    public void Dispose()
    {
        _disposed = true;
        _view?.Dispose();
    }

    private Tensor Bools(long offset, ReadOnlySpan<long> shape)
    {
        using Tensor bytes = BorrowedTensor.Create(Address + (nint)offset, shape, ScalarType.Byte, _view!.SafeMemoryMappedViewHandle);
        return bytes.ne(0);
    }

    private void CheckRange(long offset, long count)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (offset < 0 || count < 0 || offset > Length - count)
            throw new InvalidDataException($"'{Path}': bytes {offset} to {(Int128)offset + count} are asked for, {Length} are there.");
    }
}
