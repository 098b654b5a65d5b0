using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What picture files hold, by their paths: a file whose length and time of writing are as they were is not read again, and one that is gone is
/// what it was. It lies in a folder, one small file a picture, and is shared between processes.
/// </summary>
/// <param name="folder">Made where it does not exist.</param>
/// <param name="warn">Told once that files are gone.</param>
internal sealed class PictureFileIndex(string folder, Action<string> warn)
{
    private readonly ConcurrentDictionary<string, Entry> _known = new(StringComparer.Ordinal);
    private int _told;

    /// <summary>The hash of a file's bytes.</summary>
    /// <exception cref="IOException">It is not there and was never seen, or cannot be read.</exception>
    public string ContentOf(string path)
    {
        string full = Path.GetFullPath(path);
        var file = new FileInfo(full);
        Entry? known = _known.TryGetValue(full, out Entry? seen) ? seen : Read(full);
        if (known is not null && !file.Exists)
        {
            if (Interlocked.Exchange(ref _told, 1) == 0) warn($"'{full}' is not there any more; its visual tokens are those of the file that was there. The same holds for further files, which are not told.");
            return known.Content;
        }

        if (known is null || known.Length != file.Length || known.Written != file.LastWriteTimeUtc.Ticks)
        {
            known = new Entry(full, file.Exists ? file.Length : 0, file.Exists ? file.LastWriteTimeUtc.Ticks : 0, HeldPicture.HashOf(ImageDecoder.ReadFile(path)));
            PutInPlace(PathOf(full), JsonSerializer.SerializeToUtf8Bytes(known));
        }

        _known[full] = known;
        return known.Content;
    }

    /// <summary>Writes a file that appears whole or not at all. It is not brought to the disk: what is lost is made again.</summary>
    public static void PutInPlace(string path, ReadOnlySpan<byte> bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            File.WriteAllBytes(temporary, bytes);
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private string PathOf(string full)
    {
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(full)));
        return Path.Combine(folder, name[..2], name + ".json");
    }

    // A file that something cut is as good as none: the picture is read again.
    private Entry? Read(string full)
    {
        string path = PathOf(full);
        if (!File.Exists(path)) return null;
        try
        {
            Entry? read = JsonSerializer.Deserialize<Entry>(File.ReadAllBytes(path));
            return read is not null && read.Path == full && read.Content is { Length: > 2 } ? read : null;
        }
        catch (JsonException damage)
        {
            warn($"'{path}', which tells what a picture file held, is damaged and is made again: {damage.Message}");
            return null;
        }
    }

    private sealed record Entry(string Path, long Length, long Written, string Content);
}
