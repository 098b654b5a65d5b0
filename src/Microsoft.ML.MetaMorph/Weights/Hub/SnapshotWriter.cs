using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Fills the cache of one model: blobs by hash, a snapshot of links to them, references from revisions to commits.</summary>
internal sealed class SnapshotWriter(HubSettings settings, string model, string commit)
{
    private readonly string _root = settings.Cache.ModelFolder(model);
    private readonly Action<string, string> _link = settings.Options.Link ?? ((path, target) => File.CreateSymbolicLink(path, target));
    private bool _canLink = true;

    /// <summary>The snapshot.</summary>
    public string Folder => Path.Combine(_root, "snapshots", commit);

    public string Blobs => Path.Combine(_root, "blobs");

    public string Blob(HubFile file) => Path.Combine(Blobs, file.Hash);

    /// <summary>The file by which processes agree who fetches a blob, where Python's tools have it.</summary>
    public string Lock(HubFile file) => Path.Combine(settings.Cache.Root, ".locks", Path.GetFileName(_root), file.Hash + ".lock");

    /// <summary>Whether a file is there: as a blob, or in the snapshot itself where that holds copies. Its hash was checked when it came.</summary>
    public bool Has(HubFile file) => IsWhole(Blob(file), file) || IsCopy(file);

    /// <summary>Puts files whose blobs are there into the snapshot.</summary>
    public void Place(IEnumerable<HubFile> files)
    {
        foreach (IGrouping<string, HubFile> same in files.GroupBy(f => f.Hash, StringComparer.Ordinal))
        {
            HubFile[] unplaced = [.. same.Where(f => !IsPlaced(f))];
            for (int i = 0; i < unplaced.Length; i++) Place(unplaced[i], isLast: i == unplaced.Length - 1);
        }
    }

    /// <summary>Makes a branch or a tag stand for the commit.</summary>
    public void WriteReference(string revision)
    {
        string path = Path.Combine(_root, "refs", revision);
        if (File.Exists(path) && File.ReadAllText(path) == commit) return;
        using var file = new AtomicFile(path);
        file.Stream.Write(Encoding.ASCII.GetBytes(commit));
        file.Commit();
    }

    private string Pointer(HubFile file) => Path.Combine(Folder, file.Name.Replace('/', Path.DirectorySeparatorChar));

    private bool IsPlaced(HubFile file) => IsCopy(file) || (new FileInfo(Pointer(file)).LinkTarget is { } target && Path.GetFullPath(target, Path.GetDirectoryName(Pointer(file))!) == Path.GetFullPath(Blob(file)));

    private bool IsCopy(HubFile file) => new FileInfo(Pointer(file)).LinkTarget is null && IsWhole(Pointer(file), file);

    private static bool IsWhole(string path, HubFile file) => new FileInfo(path) is { Exists: true } info && info.Length == file.Length;

    /// <summary>Made beside its place and renamed into it, for another process may do the same.</summary>
    private void Place(HubFile file, bool isLast)
    {
        string pointer = Pointer(file), folder = Path.GetDirectoryName(pointer)!, made = Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
        Directory.CreateDirectory(folder);
        try
        {
            // Without links a large model would take its place twice: the blob itself becomes the file.
            if (!TryLink(made, Path.GetRelativePath(folder, Blob(file))) && !isLast) File.Copy(Blob(file), made);
            File.Move(File.Exists(made) ? made : Blob(file), pointer, overwrite: true);
        }
        finally
        {
            File.Delete(made);
        }
    }

    /// <summary>Windows gives links to some users only, and some disks have none.</summary>
    private bool TryLink(string path, string target)
    {
        if (!_canLink) return false;
        try
        {
            _link(path, target);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            _canLink = false;
        }
        return _canLink;
    }
}
