using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Adds up texts and pictures of a row as a number that others do not have.</summary>
internal sealed class RowFingerprint : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public void Add(string text) => Add(Encoding.UTF8.GetBytes(text));

    public void Add(ReadOnlySpan<byte> bytes)
    {
        // The length first: else "ab", "c" would be "a", "bc".
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, bytes.Length);
        _hash.AppendData(length);
        _hash.AppendData(bytes);
    }

    /// <summary>The number of what was added; the next row can be added.</summary>
    public UInt128 Take() => BinaryPrimitives.ReadUInt128LittleEndian(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();
}
