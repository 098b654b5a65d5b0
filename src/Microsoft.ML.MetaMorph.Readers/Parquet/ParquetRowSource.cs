namespace Microsoft.ML.MetaMorph;

/// <summary>The rows of Parquet files, as Hugging Face data sets have them: conversations, or texts and pictures in columns. One row group is read at a time.</summary>
public sealed class ParquetRowSource : RowSource
{
    private readonly string[] _files;
    private readonly Dictionary<string, ImageFolder> _folders = [];
    private readonly RowColumns _columns;
    private readonly ColumnCache _cache;

    /// <summary>Makes the source; nothing is read yet.</summary>
    /// <param name="files">The files, read one after another.</param>
    /// <param name="options">Columns and bounds; null for the defaults.</param>
    /// <exception cref="ArgumentException">There is no file, one is an address or a folder, or an option cannot be.</exception>
    /// <exception cref="FileNotFoundException">A file is not there.</exception>
    /// <exception cref="DirectoryNotFoundException">The picture folder is not there.</exception>
    public ParquetRowSource(IReadOnlyList<string> files, ParquetRowOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(files);
        options ??= new ParquetRowOptions();
        options.Validate();
        if (files.Count == 0) throw new ArgumentException("There is no file to read; name one or several.", nameof(files));
        foreach (string file in files) RequireFile(file);
        _files = [.. files];
        foreach (string file in _files) _folders[file] = new ImageFolder(options.ImageFolder ?? Path.GetDirectoryName(Path.GetFullPath(file))!);
        _columns = new RowColumns(options);
        _cache = new ColumnCache(options.CachedRowGroups);
    }

    /// <inheritdoc/>
    public override IEnumerable<RowReading> Read() => _files.SelectMany(file => Read(file));

    private static void RequireFile(string file)
    {
        ArgumentException.ThrowIfNullOrEmpty(file, "files");
        if (file.Contains("://", StringComparison.Ordinal)) throw new ArgumentException($"'{file}' is an address, and nothing is ever fetched. Download it first.", "files");
        if (Directory.Exists(file)) throw new ArgumentException($"'{file}' is a folder; name the files in it.", "files");
        if (!File.Exists(file)) throw new FileNotFoundException($"{file}: there is no such file of rows (looked in {Path.GetFullPath(file)}).", file);
    }

    private IEnumerable<RowReading> Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read);
        (OpenTable? table, string? problem) = ParquetErrors.Try(() => OpenTable.Open(stream, file, _columns));
        if (table is null)
        {
            yield return RowReading.Failed(new RowPlace(file, 1, "row"), problem!);
            yield break;
        }
        long before = 0;
        for (int index = 0; index < table.GroupCount; index++)
        {
            (RowGroupRows? rows, problem) = ParquetErrors.Try(() => table.ReadGroup(index));
            if (rows is null)
            {
                // Pages of a broken group cannot be trusted, and neither can what follows.
                yield return RowReading.Failed(new RowPlace(file, before + 1, "row"), problem!);
                yield break;
            }
            foreach (RowReading reading in rows.Read(new RowGroupPlace(file, index, before), _folders[file], _cache)) yield return reading;
            before += rows.Count;
        }
    }
}
