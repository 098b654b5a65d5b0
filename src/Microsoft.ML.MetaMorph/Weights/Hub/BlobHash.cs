using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>The hash that names a blob: SHA-256 of a large file, or git's SHA-1, which begins with the length, of a small one.</summary>
internal sealed class BlobHash : IDisposable
{
    private const int Sha256Digits = 64;

    private const int Sha1Digits = 40;

    private readonly IncrementalHash _hash;
    private readonly byte[] _beginning;

    public BlobHash(HubFile file)
    {
        bool isGit = file.Hash.Length == Sha1Digits;
        _hash = IncrementalHash.CreateHash(isGit ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
        _beginning = isGit ? Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {file.Length}\0")) : [];
        _hash.AppendData(_beginning);
    }

    /// <summary>Whether a text is such a hash, and so can be the name of a blob.</summary>
    public static bool IsHash(string text) => text.Length is Sha1Digits or Sha256Digits && text.All(char.IsAsciiHexDigitLower);

    public void Add(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    /// <summary>Adds all that a stream has.</summary>
    public async Task AddAsync(Stream stream, CancellationToken cancellation)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(1 << 18);
        try
        {
            while (await stream.ReadAsync(buffer, cancellation).ConfigureAwait(false) is > 0 and int read) Add(buffer.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Forgets what was added.</summary>
    public void Restart()
    {
        _hash.GetHashAndReset();
        _hash.AppendData(_beginning);
    }

    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();
}
