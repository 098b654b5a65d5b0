using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A tensor as a checkpoint describes it: a strided view of a storage.</summary>
/// <param name="Storage">The storage.</param>
/// <param name="ElementType">The element type.</param>
/// <param name="Offset">Elements before the first.</param>
/// <param name="Shape">The sizes.</param>
/// <param name="Strides">The distances in elements; 0 repeats an element.</param>
internal sealed record TorchTensor(TorchStorage Storage, ScalarType ElementType, long Offset, long[] Shape, long[] Strides)
{
    /// <summary>libtorch's own iterators stop at this many dimensions.</summary>
    private const int RankLimit = 64;

    private bool IsEmpty => Shape.Contains(0);

    /// <summary>Elements from the first to the last one that the view touches.</summary>
    private long Extent
    {
        get
        {
            Int128 extent = 1;
            for (int i = 0; i < Shape.Length; i++) extent += (Int128)(Shape[i] - 1) * Strides[i];
            return extent <= long.MaxValue ? (long)extent : long.MaxValue;
        }
    }

    private bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected) return false;
                expected *= Shape[i];
            }
            return true;
        }
    }

    /// <summary>Throws unless the view stays within its storage and the storage within the file.</summary>
    public void Check(string name, string location)
    {
        string view = $"offset {Offset}, sizes [{string.Join(", ", Shape)}], strides [{string.Join(", ", Strides)}]";
        if (Shape.Length != Strides.Length || Shape.Length > RankLimit) throw Broken(name, location, $"{view} do not describe a tensor of at most {RankLimit} dimensions");
        if (Offset < 0 || Shape.Any(s => s < 0) || Strides.Any(s => s < 0)) throw Broken(name, location, $"{view}: none may be negative");
        if (ElementTypes.CheckedBytes(Shape, ElementType) is null) throw Broken(name, location, $"{view} have more elements than 64 bits can count");
        Storage.Check(name, location);
        if (IsEmpty) return;
        Int128 last = ((Int128)Offset + Extent) * ElementTypes.Bytes(ElementType), there = (Int128)Storage.Elements * Storage.ElementBytes;
        if (last > there) throw Broken(name, location, $"{view} leave its storage '{Storage.Record.Key}' of {Storage.Elements} elements");
    }

    /// <summary>The tensor, over the mapping where its bytes are aligned. <see cref="Check"/> must have passed.</summary>
    public Tensor Read(MappedFile file)
    {
        if (IsEmpty) return empty(Shape, dtype: ElementType, device: CPU);
        long begin = Storage.Record.Offset + Storage.First * Storage.ElementBytes + Offset * ElementTypes.Bytes(ElementType);
        if (IsContiguous) return file.Tensor(begin, Shape, ElementType);
        using Tensor flat = file.Tensor(begin, [Extent], ElementType);
        return flat.as_strided(Shape, Strides, 0);
    }

    private static InvalidDataException Broken(string name, string location, string why) => new($"'{location}': tensor '{name}': {why}.");
}
