namespace Microsoft.ML.MetaMorph;

/// <summary>Where a path leads when every symbolic link on the way is followed.</summary>
internal static class RealPath
{
    // As many as Linux follows.
    private const int MostLinks = 40;

    /// <param name="fullPath">A full path; what it names need not exist.</param>
    /// <param name="from">A beginning of it that is known to be real; null for none.</param>
    /// <exception cref="InvalidDataException">Links lead to one another.</exception>
    public static string Of(string fullPath, string? from = null) => Follow(fullPath, from, 0);

    private static string Follow(string fullPath, string? from, int links)
    {
        if (links > MostLinks) throw new InvalidDataException($"'{fullPath}' stands behind more than {MostLinks} symbolic links; they probably lead to one another.");
        string real = from ?? Path.GetPathRoot(fullPath)!;
        foreach (string part in Path.GetRelativePath(real, fullPath).Split(Path.DirectorySeparatorChar))
        {
            if (part == ".") continue;
            string next = Path.Combine(real, part);
            real = new FileInfo(next).LinkTarget is { } target ? Follow(Path.GetFullPath(target, real), null, links + 1) : next;
        }

        return real;
    }
}
