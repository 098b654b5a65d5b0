using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>Reads a text column: a scalar is one turn of a conversation, a vector is several. A missing text is an empty one.</summary>
internal sealed class TextColumn
{
    private const string Expected = "Text (one turn) or a vector of Text (several turns)";

    private readonly string _name;
    private readonly ValueGetter<ReadOnlyMemory<char>>? _getOne;
    private readonly ValueGetter<VBuffer<ReadOnlyMemory<char>>>? _getMany;
    private VBuffer<ReadOnlyMemory<char>> _many;

    public TextColumn(DataViewRow row, string name)
    {
        _name = name;
        DataViewSchema.Column column = row.Schema[name];
        if (column.Type is VectorDataViewType) _getMany = row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column);
        else _getOne = row.GetGetter<ReadOnlyMemory<char>>(column);
    }

    /// <summary>Checks the column of a schema.</summary>
    /// <exception cref="ArgumentException">It is missing or of another type.</exception>
    public static void Require(DataViewSchema schema, string name, string role)
    {
        DataViewType type = schema.GetColumnOrNull(name)?.Type ?? throw ColumnErrors.Missing(name, role, schema.Select(column => column.Name));
        if (type is not TextDataViewType && type is not VectorDataViewType { ItemType: TextDataViewType })
            throw ColumnErrors.WrongType(name, role, type.ToString()!, Expected);
    }

    /// <summary>Checks the column of a shape.</summary>
    /// <exception cref="ArgumentException">It is missing or of another type.</exception>
    public static void Require(SchemaShape shape, string name, string role)
    {
        SchemaShape.Column column = SchemaShapes.Require(shape, name, role);
        if (column.IsKey || column.ItemType is not TextDataViewType) throw ColumnErrors.WrongType(name, role, SchemaShapes.Describe(column), Expected);
    }

    /// <summary>The turns of the row on which the input stands.</summary>
    /// <param name="number">The row's number, for messages.</param>
    public string[] Read(long number)
    {
        try
        {
            return Read();
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            throw RowErrors.Named(failure, number, RowErrors.Columns(_name));
        }
    }

    private string[] Read()
    {
        if (_getOne is not null)
        {
            ReadOnlyMemory<char> one = default;
            _getOne(ref one);
            return [one.ToString()];
        }

        _getMany!(ref _many);
        var turns = new string[_many.Length];
        int index = 0;
        foreach (ReadOnlyMemory<char> turn in _many.DenseValues()) turns[index++] = turn.ToString();
        return turns;
    }
}
