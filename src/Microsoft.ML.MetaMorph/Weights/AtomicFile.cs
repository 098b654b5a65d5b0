namespace Microsoft.ML.MetaMorph;

/// <summary>A file that appears whole or not at all: it is written beside its place and renamed into it.</summary>
/// <remarks>Replacing a file this way leaves mappings of the old one intact, so a model can be saved over the files it was loaded from.</remarks>
internal sealed class AtomicFile : IDisposable
{
    private readonly string _temporary;
    private FileStream? _stream;
    private bool _committed;

    public AtomicFile(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        string folder = System.IO.Path.GetDirectoryName(Path)!;
        Directory.CreateDirectory(folder);
        _temporary = System.IO.Path.Combine(folder, $".{System.IO.Path.GetFileName(Path)}.{Guid.NewGuid():N}.tmp");
        _stream = new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
    }

    public string Path { get; }

    public Stream Stream => _stream ?? throw new InvalidOperationException($"'{Path}' is closed already.");

    /// <summary>Closes the file with its content on the disk, without putting it into place yet.</summary>
    public void Close()
    {
        if (_stream is null) return;
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
        _stream = null;
    }

    public void Commit()
    {
        Close();
        File.Move(_temporary, Path, overwrite: true);
        _committed = true;
    }

    /// <summary>Removes what was written unless it is committed.</summary>
    public void Dispose()
    {
        _stream?.Dispose();
        _stream = null;
        if (!_committed) File.Delete(_temporary);
    }
}
