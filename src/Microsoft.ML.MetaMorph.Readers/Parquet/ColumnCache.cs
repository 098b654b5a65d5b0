namespace Microsoft.ML.MetaMorph;

/// <summary>The pictures of the row groups that were used last; others are read anew when they are asked for. Thread-safe.</summary>
internal sealed class ColumnCache(int groups)
{
    private readonly Lock _changing = new();

    /// <summary>The one used last stands at the end.</summary>
    private readonly List<((string File, int Group) Key, Dictionary<string, ReadOnlyMemory<byte>[]> Columns)> _kept = [];

    public void Keep(string file, int group, string path, ReadOnlyMemory<byte>[] bytes)
    {
        lock (_changing) Columns(file, group)[path] = bytes;
    }

    /// <exception cref="InvalidDataException">The file is not any more what it was.</exception>
    public ReadOnlyMemory<byte>[] Get(string file, int group, string path)
    {
        lock (_changing)
        {
            Dictionary<string, ReadOnlyMemory<byte>[]> columns = Columns(file, group);
            if (columns.TryGetValue(path, out ReadOnlyMemory<byte>[]? bytes)) return bytes;
            (bytes, string? problem) = ParquetErrors.Try(() => OpenTable.ReadBytes(file, group, path));
            return columns[path] = bytes ?? throw new InvalidDataException($"{file}, row group {group + 1}, column {path}: {problem}");
        }
    }

    private Dictionary<string, ReadOnlyMemory<byte>[]> Columns(string file, int group)
    {
        int at = _kept.FindIndex(k => k.Key == (file, group));
        ((string, int) Key, Dictionary<string, ReadOnlyMemory<byte>[]> Columns) entry = at < 0 ? ((file, group), []) : _kept[at];
        if (at >= 0) _kept.RemoveAt(at);
        else if (_kept.Count == groups) _kept.RemoveAt(0);
        _kept.Add(entry);
        return entry.Columns;
    }
}
