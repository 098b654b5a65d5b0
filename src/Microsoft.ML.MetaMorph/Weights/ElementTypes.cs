using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The element types that weights are stored in, with their sizes and their names in safetensors files.</summary>
internal static class ElementTypes
{
    private static readonly (ScalarType Type, string Name, int Bytes)[] All =
    [
        (ScalarType.Float64, "F64", 8),
        (ScalarType.Float32, "F32", 4),
        (ScalarType.Float16, "F16", 2),
        (ScalarType.BFloat16, "BF16", 2),
        (ScalarType.Int64, "I64", 8),
        (ScalarType.Int32, "I32", 4),
        (ScalarType.Int16, "I16", 2),
        (ScalarType.Int8, "I8", 1),
        (ScalarType.Byte, "U8", 1),
        (ScalarType.Bool, "BOOL", 1),
    ];

    private static readonly Dictionary<string, ScalarType> ByName = All.ToDictionary(t => t.Name, t => t.Type);

    /// <summary>The names that <see cref="TryParse"/> knows, for messages.</summary>
    public static string Names { get; } = string.Join(", ", All.Select(t => t.Name));

    public static bool TryParse(string name, out ScalarType elementType) => ByName.TryGetValue(name, out elementType);

    public static int Bytes(ScalarType elementType) => Find(elementType).Bytes;

    /// <summary>The name in safetensors files.</summary>
    /// <exception cref="NotSupportedException">Weights are not stored in that type.</exception>
    public static string Name(ScalarType elementType) => Find(elementType).Name;

    public static bool IsFloatingPoint(ScalarType elementType) => elementType is ScalarType.Float64 or ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16;

    /// <summary>
    /// The bytes of a tensor of that shape, or null where a size is negative or the count leaves 63 bits. Sizes of 0 count as 1 in
    /// the check, because strides are products of the other sizes.
    /// </summary>
    public static long? CheckedBytes(ReadOnlySpan<long> shape, ScalarType elementType)
    {
        Int128 product = Bytes(elementType);
        bool empty = false;
        foreach (long size in shape)
        {
            if (size < 0) return null;
            empty |= size == 0;
            product *= Math.Max(size, 1);
            if (product > long.MaxValue) return null;
        }
        return empty ? 0 : (long)product;
    }

    private static (ScalarType Type, string Name, int Bytes) Find(ScalarType elementType)
    {
        foreach (var known in All)
        {
            if (known.Type == elementType) return known;
        }
        throw new NotSupportedException($"Weights are not stored as {elementType}. Known element types: {string.Join(", ", All.Select(t => t.Type))}.");
    }
}
