using Parquet;
using Parquet.Schema;

namespace Microsoft.ML.MetaMorph;

/// <summary>The values of one flat column of a row group, with the levels that say where they belong, and a place in them.</summary>
internal sealed class LeafColumn
{
    // A place in memory, and two levels.
    private const int BytesPerEntry = 24;

    private readonly int[]? _definitions;
    private readonly int[]? _repetitions;
    private readonly int _count;
    private int _entry;
    private int _value;

    private LeafColumn(DataField field, int count)
    {
        Field = field;
        _count = count;
        _definitions = field.MaxDefinitionLevel > 0 ? new int[count] : null;
        _repetitions = field.MaxRepetitionLevel > 0 ? new int[count] : null;
    }

    public DataField Field { get; }

    /// <summary>The values that are there, where the column holds texts.</summary>
    public ReadOnlyMemory<char>[]? Texts { get; private set; }

    /// <summary>The values that are there, where the column holds bytes.</summary>
    public ReadOnlyMemory<byte>[]? Bytes { get; private set; }

    /// <summary>How deep the entry in hand is defined: at the field's own level there is a value.</summary>
    public int Definition => _definitions is null ? Field.MaxDefinitionLevel : _definitions[Checked(_entry)];

    /// <summary>At which level the entry in hand goes on; -1 behind the last.</summary>
    public int Repetition => _entry >= _count ? -1 : _repetitions is null ? 0 : _repetitions[_entry];

    public bool HasValue => Definition == Field.MaxDefinitionLevel;

    /// <summary>The number of the value in hand among the values that are there.</summary>
    public int ValueIndex => _value;

    /// <summary>A column of texts or bytes; null for one of anything else, which no row needs.</summary>
    public static LeafColumn? Read(ParquetRowGroupReader group, DataField field)
    {
        if (!IsRead(field)) return null;
        (long count, _) = Size(group, field);
        if (field.MaxRepetitionLevel == 0 && count != group.RowCount) throw new InvalidDataException($"the column '{field.Path}' has {count} entries in a row group of {group.RowCount} rows. The file is damaged; write it anew or take it out.");
        var column = new LeafColumn(field, checked((int)count));
        if (field.ClrType == typeof(ReadOnlyMemory<char>)) column.Texts = column.Fetch<ReadOnlyMemory<char>>(group);
        else column.Bytes = column.Fetch<ReadOnlyMemory<byte>>(group);
        return column;
    }

    /// <summary>What the column will need in memory, as far as the file tells; 0 where it is not read.</summary>
    public static long MemoryOf(ParquetRowGroupReader group, DataField field)
    {
        if (!IsRead(field)) return 0;
        (long count, long bytes) = Size(group, field);
        return checked(Math.Max(0, bytes) + (Math.Max(0, count) * BytesPerEntry));
    }

    private static bool IsRead(DataField field) => field.ClrType == typeof(ReadOnlyMemory<char>) || field.ClrType == typeof(ReadOnlyMemory<byte>);

    private static (long Count, long Bytes) Size(ParquetRowGroupReader group, DataField field)
        => group.GetMetadata(field)?.MetaData is { } told ? (told.NumValues, told.TotalUncompressedSize) : throw new InvalidDataException($"the row group has no column '{field.Path}'.");

    /// <summary>Goes on to the next entry.</summary>
    public void Advance()
    {
        if (HasValue) _value++;
        _entry++;
    }

    private T[] Fetch<T>(ParquetRowGroupReader group)
        where T : struct
    {
        var values = new T[_count];
        group.ReadRawAsync<T>(Field, values, Levels(_definitions), Levels(_repetitions)).AsTask().GetAwaiter().GetResult();
        return values;
    }

    // A bare null would be taken for an array, and become an empty memory instead of none.
    private static Memory<int>? Levels(int[]? levels) => levels is null ? default(Memory<int>?) : levels.AsMemory();

    private int Checked(int entry) => entry < _count ? entry : throw new InvalidDataException($"the column '{Field.Path}' has {_count} entries, fewer than its rows need.");
}
