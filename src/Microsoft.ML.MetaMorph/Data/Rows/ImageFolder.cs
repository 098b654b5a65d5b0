using System.Collections.Concurrent;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The folder of a data set's pictures. Paths in data are foreign text: those that are addresses, that are absolute or that lead out of the folder
/// (by <c>..</c> or a symbolic link) are refused, and nothing is ever fetched. Thread-safe.
/// </summary>
public sealed class ImageFolder
{
    // Folders whose real paths are remembered; data sets of millions of pictures have thousands of folders.
    private const int Remembered = 100_000;

    private readonly string _real;
    private readonly ConcurrentDictionary<string, string> _realFolders = new(StringComparer.Ordinal);

    /// <summary>Opens a folder.</summary>
    /// <param name="path">The folder. It may itself be a symbolic link.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public ImageFolder(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!Directory.Exists(path)) throw new DirectoryNotFoundException($"{path}: there is no such folder of pictures (looked in {System.IO.Path.GetFullPath(path)}).");
        Path = path;
        _real = RealPath.Of(System.IO.Path.GetFullPath(path));
    }

    /// <summary>The folder, as it was given.</summary>
    public string Path { get; }

    /// <summary>The picture at a path inside the folder. It is looked for, but not opened.</summary>
    /// <param name="path">The path, relative to the folder.</param>
    /// <returns>The picture.</returns>
    /// <exception cref="InvalidDataException">The path is an address, is absolute, leads out of the folder, or there is no such file.</exception>
    public RowImage Image(string path) => RowImage.FromFile(FileAt(path, "picture"));

    /// <summary>The full path of a file that lies inside the folder.</summary>
    /// <param name="path">The path, relative to the folder.</param>
    /// <param name="what">What the file is, for messages.</param>
    internal string FileAt(string path, string what)
    {
        RequireRelative(path, what);
        string[] parts = path.Split('/', System.IO.Path.DirectorySeparatorChar);
        if (parts.Contains("..")) throw new InvalidDataException($"the {what} '{path}' leads out of its folder by '..'. Write paths from the picture folder '{Path}' on.");
        string folder = RealFolder(string.Join('/', parts[..^1]), path, what);
        string file = RealPath.Of(System.IO.Path.Combine(folder, parts[^1]), from: folder);
        RequireInside(file, path, what);
        if (File.Exists(file)) return file;
        string found = Directory.Exists(file) ? "is a folder, no file" : "does not exist";
        throw new InvalidDataException($"the {what} '{path}' {found} (looked in {System.IO.Path.Combine(_real, path)}). Put it there, name another picture folder, or take the row out.");
    }

    private void RequireRelative(string path, string what)
    {
        if (string.IsNullOrWhiteSpace(path)) throw new InvalidDataException($"the path of a {what} is empty. Name the file, or leave the picture and its <image> mark out.");
        if (path.Contains('\0')) throw new InvalidDataException($"the path of a {what} holds a zero character, which no file name has.");
        if (IsAddress(path))
            throw new InvalidDataException($"the {what} '{Shortened(path)}' is an address, and pictures are never fetched. Download it, and write its path from the picture folder '{Path}' on.");
        if (path[0] is '/' or '\\' || (path.Length > 1 && path[1] == ':' && char.IsAsciiLetter(path[0])))
            throw new InvalidDataException($"the {what} '{path}' has an absolute path. Write it from the picture folder '{Path}' on.");
    }

    private static bool IsAddress(string path)
        => path.Contains("://", StringComparison.Ordinal) || path.StartsWith(@"\\", StringComparison.Ordinal) || path.StartsWith("//", StringComparison.Ordinal)
            || path.StartsWith("file:", StringComparison.OrdinalIgnoreCase) || path.StartsWith("data:", StringComparison.OrdinalIgnoreCase);

    // A data: address can hold a whole picture.
    private static string Shortened(string path) => path.Length <= 100 ? path : path[..100] + "…";

    private string RealFolder(string relative, string path, string what)
    {
        if (_realFolders.TryGetValue(relative, out string? known)) return known;
        string real = _real;
        foreach (string part in relative.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part != ".") real = RealPath.Of(System.IO.Path.Combine(real, part), from: real);
        }

        RequireInside(real, path, what);
        if (_realFolders.Count >= Remembered) _realFolders.Clear();
        return _realFolders[relative] = real;
    }

    private void RequireInside(string real, string path, string what)
    {
        StringComparison comparison = OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        string folder = System.IO.Path.EndsInDirectorySeparator(_real) ? _real : _real + System.IO.Path.DirectorySeparatorChar;
        if (real.Equals(_real, comparison) || real.StartsWith(folder, comparison)) return;
        throw new InvalidDataException($"the {what} '{path}' leads out of the picture folder '{Path}' by a symbolic link, to {real}. Copy it into the folder, or name the folder that it lies in.");
    }
}
