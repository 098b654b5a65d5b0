using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Visual tokens of pictures in a folder, by all that they depend on: what the picture holds, and what the encoder is. Any number of runs and
/// processes share it; an entry appears whole or not at all, and one that is damaged is computed again.
/// </summary>
internal sealed class VisualTokenStore
{
    private const int HeaderBytes = 16;

    // Of the encoder's hash, as many as tell two encoders apart.
    private const int EncoderCharacters = 16;

    private readonly string _folder;
    private readonly int _length;
    private readonly Action<string> _warn;
    private readonly PictureFileIndex _files;
    private volatile bool _full;

    /// <param name="folder">Made where it does not exist.</param>
    /// <param name="encoder">The encoder's hash.</param>
    /// <param name="length">Values of a picture.</param>
    /// <param name="warn">Told of entries that are damaged, of files that are gone, and of a disk that is full.</param>
    public VisualTokenStore(string folder, string encoder, int length, Action<string> warn)
    {
        folder = Path.GetFullPath(folder);
        (_length, _warn) = (length, warn);
        _folder = Path.Combine(folder, "tokens", encoder[..EncoderCharacters]);
        _files = new PictureFileIndex(Path.Combine(folder, "files"), warn);
    }

    private static ReadOnlySpan<byte> Magic => "MMTOKEN1"u8;

    /// <summary>What a picture holds, as a hash; the name of its tokens.</summary>
    /// <exception cref="IOException">Its file cannot be read, and was not seen before; row and column are named.</exception>
    public string ContentOf(HeldPicture picture) => picture.Content(_files.ContentOf);

    /// <summary>The tokens of a picture; null where they are not here.</summary>
    public float[]? Find(string content)
    {
        string path = PathOf(content);
        if (!File.Exists(path)) return null;
        byte[] bytes = File.ReadAllBytes(path);
        if (Damage(bytes) is not { } damage) return MemoryMarshal.Cast<byte, float>(bytes.AsSpan(HeaderBytes)).ToArray();
        _warn($"The visual tokens in '{path}' are damaged and are computed again: {damage}.");
        return null;
    }

    /// <summary>Keeps the tokens of a picture.</summary>
    public void Add(string content, ReadOnlySpan<float> tokens)
    {
        if (_full) return;
        var bytes = new byte[HeaderBytes + tokens.Length * sizeof(float)];
        ReadOnlySpan<byte> values = MemoryMarshal.AsBytes(tokens);
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(Magic.Length), tokens.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Magic.Length + sizeof(int)), Crc32C.Update(0, values));
        values.CopyTo(bytes.AsSpan(HeaderBytes));
        try
        {
            PictureFileIndex.PutInPlace(PathOf(content), bytes);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Pictures can still be encoded; only the next epoch is slower.
            _full = true;
            _warn($"Visual tokens cannot be kept in '{_folder}', so further pictures are encoded again in every epoch: {failure.Message}");
        }
    }

    private string PathOf(string content) => Path.Combine(_folder, content[..2], content + ".tokens");

    /// <summary>What is wrong with an entry; null: nothing.</summary>
    private string? Damage(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes || !bytes.StartsWith(Magic)) return $"it has {bytes.Length} bytes, which do not begin as those of visual tokens";
        int stored = BinaryPrimitives.ReadInt32LittleEndian(bytes[Magic.Length..]);
        if (stored != _length || bytes.Length != HeaderBytes + (long)_length * sizeof(float)) return $"it has {bytes.Length} bytes and says that it holds {stored} values; a picture of this encoder has {_length}";
        uint written = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(Magic.Length + sizeof(int))..]), found = Crc32C.Update(0, bytes[HeaderBytes..]);
        return found == written ? null : $"its values have the checksum {found:x8}, {written:x8} was written";
    }
}
