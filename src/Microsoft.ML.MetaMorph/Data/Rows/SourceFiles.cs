namespace Microsoft.ML.MetaMorph;

/// <summary>The files of a source: looked for when it is made, opened one after another when it is read.</summary>
internal static class SourceFiles
{
    /// <exception cref="ArgumentException">There is no file, or one is an address or a folder.</exception>
    /// <exception cref="FileNotFoundException">One is not there.</exception>
    public static IReadOnlyList<string> Require(IReadOnlyList<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        if (files.Count == 0) throw new ArgumentException("There is no file to read; name one or several.", nameof(files));
        foreach (string file in files)
        {
            ArgumentException.ThrowIfNullOrEmpty(file, nameof(files));
            if (file.Contains("://", StringComparison.Ordinal)) throw new ArgumentException($"'{file}' is an address, and nothing is ever fetched. Download it first.", nameof(files));
            if (Directory.Exists(file)) throw new ArgumentException($"'{file}' is a folder; name the files in it.", nameof(files));
            if (!File.Exists(file)) throw new FileNotFoundException($"{file}: there is no such file of rows (looked in {Path.GetFullPath(file)}).", file);
        }

        return [.. files];
    }

    public static string FolderOf(string file) => Path.GetDirectoryName(Path.GetFullPath(file))!;

    public static FileStream Open(string file) => new(file, new FileStreamOptions { Options = FileOptions.SequentialScan, Share = FileShare.Read, BufferSize = 0 });
}
