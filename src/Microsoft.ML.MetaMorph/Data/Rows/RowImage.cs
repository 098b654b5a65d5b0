namespace Microsoft.ML.MetaMorph;

/// <summary>One picture of a row, which is not read before somebody asks for its bytes. <see cref="ImageFolder"/> gives those that are files.</summary>
public sealed class RowImage
{
    private readonly Func<byte[]> _read;

    private RowImage(string name, string? path, Func<byte[]> read)
    {
        Name = name;
        Path = path;
        _read = read;
    }

    /// <summary>Names the picture in messages.</summary>
    public string Name { get; }

    /// <summary>The full path of the picture's own file; null where it lies inside another one (a shard, a table, a video).</summary>
    public string? Path { get; }

    /// <summary>A picture that is no file of its own.</summary>
    /// <param name="name">Names it in messages: the file it lies in, and where in it.</param>
    /// <param name="read">Gives the bytes of a PNG, JPEG, WebP, BMP or GIF file. It may be called later, again, and on another thread; rows wait in the shuffle buffer, so hold a place and not the bytes where that is possible.</param>
    /// <returns>The picture.</returns>
    public static RowImage FromBytes(string name, Func<byte[]> read)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(read);
        return new RowImage(name, null, read);
    }

    /// <summary>The bytes of the encoded picture, read now.</summary>
    /// <returns>The bytes; they belong to the caller.</returns>
    public byte[] ReadBytes() => _read();

    /// <summary>A file that was found to lie where it may.</summary>
    internal static RowImage FromFile(string path) => new(path, path, () => File.ReadAllBytes(path));
}
