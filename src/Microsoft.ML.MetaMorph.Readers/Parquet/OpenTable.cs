using Parquet;
using Parquet.Schema;

namespace Microsoft.ML.MetaMorph;

/// <summary>A Parquet file whose footer is read.</summary>
internal sealed class OpenTable
{
    private readonly ParquetReader _reader;
    private readonly RowColumns _columns;
    private readonly IReadOnlyDictionary<string, Field> _fields;

    private OpenTable(ParquetReader reader, RowColumns columns)
    {
        _reader = reader;
        _columns = columns;
        _fields = columns.Choose(reader.Schema);
    }

    public int GroupCount => _reader.RowGroupCount;

    /// <param name="stream">The file; it stays the caller's.</param>
    /// <param name="file">Its name.</param>
    /// <param name="columns">What is read of it.</param>
    public static OpenTable Open(Stream stream, string file, RowColumns columns)
    {
        FooterNesting.Require(stream, file);
        return new OpenTable(ParquetReader.CreateAsync(stream, leaveStreamOpen: true).GetAwaiter().GetResult(), columns);
    }

    /// <summary>The columns of a row group, decoded.</summary>
    public RowGroupRows ReadGroup(int index)
    {
        ParquetRowGroupReader group = _reader.OpenRowGroupReader(index);
        RequireMemory(group, index);
        Dictionary<string, ColumnNode> nodes = _fields.ToDictionary(f => f.Key, f => ColumnNode.Of(f.Value, leaf => LeafColumn.Read(group, leaf)), StringComparer.Ordinal);
        return new RowGroupRows(checked((int)group.RowCount), nodes, _columns);
    }

    private void RequireMemory(ParquetRowGroupReader group, int index)
    {
        long bytes = _reader.Schema.GetDataFields().Where(leaf => _fields.Values.Any(f => f.Name == leaf.Path.FirstPart)).Aggregate(0L, (sum, leaf) => checked(sum + LeafColumn.MemoryOf(group, leaf)));
        if (bytes > _columns.MaximumBytes) throw new InvalidDataException($"row group {index + 1} needs {bytes} bytes in memory, more than {nameof(ParquetRowOptions)}.{nameof(ParquetRowOptions.MaximumRowGroupBytes)} = {_columns.MaximumBytes}. Raise it, or write the file anew with smaller row groups.");
    }

    /// <summary>The bytes of one column of a row group alone.</summary>
    public static ReadOnlyMemory<byte>[] ReadBytes(string file, int index, string path)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read);
        FooterNesting.Require(stream, file);
        ParquetReader reader = ParquetReader.CreateAsync(stream, leaveStreamOpen: true).GetAwaiter().GetResult();
        DataField field = reader.Schema.GetDataFields().Single(f => f.Path.ToString() == path);
        return LeafColumn.Read(reader.OpenRowGroupReader(index), field)!.Bytes!;
    }
}
