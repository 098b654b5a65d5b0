using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>One encoded row.</summary>
/// <param name="Sequence">Ids and labels.</param>
/// <param name="VisualTokens">The row's images, <c>[images, N, D]</c> flattened, in the order that <see cref="TokenSequence.ImageOrder"/> counts.</param>
/// <param name="Number">The row's number in its source, for messages.</param>
internal sealed record TrainingRow(TokenSequence Sequence, ReadOnlyMemory<float> VisualTokens, long Number)
{
    /// <summary>Rows of the pass before it, in the pass's own order; those that are passed over count too.</summary>
    public long Place { get; init; }

    /// <summary>A checksum of all that is learned from the row.</summary>
    public uint Mark => Crc32C.Update(
        Crc32C.Update(Crc32C.Update(0, MemoryMarshal.AsBytes(Sequence.Ids.AsSpan())), MemoryMarshal.AsBytes(Sequence.Labels.AsSpan())),
        MemoryMarshal.AsBytes(VisualTokens.Span));
}
