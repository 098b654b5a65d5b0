using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What an archive says of a tensor without reading it.</summary>
/// <param name="Name">The name in the archive.</param>
/// <param name="ElementType">The stored element type.</param>
/// <param name="Shape">The sizes; empty for a scalar.</param>
/// <param name="File">The file that holds the elements, for messages.</param>
internal sealed record TensorInfo(string Name, ScalarType ElementType, long[] Shape, string File)
{
    public long ElementCount => Shape.Aggregate(1L, (product, size) => product * size);

    public long Bytes => ElementCount * ElementTypes.Bytes(ElementType);
}
