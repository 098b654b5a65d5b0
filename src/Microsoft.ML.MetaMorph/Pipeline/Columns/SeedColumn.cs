using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>Reads a column of seeds: whole numbers of 32 or 64 bits.</summary>
internal sealed class SeedColumn
{
    private const string Role = "seeds", Expected = "Int32 or Int64";

    private readonly Func<long> _read;

    public SeedColumn(DataViewRow row, string name)
    {
        DataViewSchema.Column column = row.Schema[name];
        _read = column.Type == NumberDataViewType.Int64 ? Reader(row.GetGetter<long>(column), value => value) : Reader(row.GetGetter<int>(column), value => value);
    }

    /// <summary>Checks the column of a schema.</summary>
    /// <exception cref="ArgumentException">It is missing or of another type.</exception>
    public static void Require(DataViewSchema schema, string name)
    {
        DataViewType type = schema.GetColumnOrNull(name)?.Type ?? throw ColumnErrors.Missing(name, Role, schema.Select(column => column.Name));
        if (type != NumberDataViewType.Int64 && type != NumberDataViewType.Int32) throw ColumnErrors.WrongType(name, Role, type.ToString()!, Expected);
    }

    /// <summary>Checks the column of a shape.</summary>
    /// <exception cref="ArgumentException">It is missing or of another type.</exception>
    public static void Require(SchemaShape shape, string name)
    {
        SchemaShape.Column column = SchemaShapes.Require(shape, name, Role);
        if (column.IsKey || column.Kind != SchemaShape.Column.VectorKind.Scalar || (column.ItemType != NumberDataViewType.Int64 && column.ItemType != NumberDataViewType.Int32))
            throw ColumnErrors.WrongType(name, Role, SchemaShapes.Describe(column), Expected);
    }

    /// <summary>The seed of the row on which the input stands.</summary>
    public long Read() => _read();

    private static Func<long> Reader<T>(ValueGetter<T> getter, Func<T, long> widen)
        where T : struct
    {
        T value = default;
        return () =>
        {
            getter(ref value);
            return widen(value);
        };
    }
}
