using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A column of visual tokens: <c>Vector&lt;Single&gt;</c> with the dimensions [k, N, D], for k pictures of N tokens, each D wide. The
/// number of pictures differs from row to row, so its dimension is 0 (unknown) in the type; a row without pictures has length 0.
/// </summary>
internal sealed class VisualTokensColumn
{
    private readonly string _name;
    private readonly ValueGetter<VBuffer<float>> _getter;
    private readonly int _count;
    private readonly int _width;
    private VBuffer<float> _values;

    public VisualTokensColumn(DataViewRow row, string name, int count, int width)
    {
        _name = name;
        _count = count;
        _width = width;
        _getter = row.GetGetter<VBuffer<float>>(row.Schema[name]);
    }

    /// <summary>The type of such a column.</summary>
    public static VectorDataViewType Type(int count, int width) => new(NumberDataViewType.Single, 0, count, width);

    /// <summary>The tokens of a picture and their width as the column's type tells them; null where it has not three dimensions.</summary>
    /// <exception cref="ArgumentException">The column is missing or of another type.</exception>
    public static (int Count, int Width)? Dimensions(DataViewSchema schema, string name, string role)
    {
        DataViewType type = schema.GetColumnOrNull(name)?.Type ?? throw ColumnErrors.Missing(name, role, schema.Select(column => column.Name));
        if (type is not VectorDataViewType vector || vector.ItemType != NumberDataViewType.Single)
            throw ColumnErrors.WrongType(name, role, type.ToString()!, "Vector<Single> with the dimensions [pictures, tokens, width]");
        return vector.Dimensions is [_, > 0, > 0] dimensions ? (dimensions[1], dimensions[2]) : null;
    }

    /// <summary>Checks the column of a schema against the model's numbers.</summary>
    /// <exception cref="ArgumentException">It is missing, of another type, or of other dimensions.</exception>
    public static void Require(DataViewSchema schema, string name, string role, int count, int width)
    {
        if (Dimensions(schema, name, role) is { } found)
        {
            if (found != (count, width)) throw Other(name, role, found, count, width);
            return;
        }

        // Without the three dimensions the type may still tell enough: one picture's tokens and their width, or the number of values.
        var type = (VectorDataViewType)schema[name].Type;
        if (type.Dimensions is [> 0, > 0] one && one[1] == width && one[0] != count) throw Other(name, role, (one[0], one[1]), count, width);
        if (type.Size % (count * width) != 0)
            throw new ArgumentException($"The column '{name}' ({role}) has {type.Size} values, which are not a whole number of pictures; the model reads {count} tokens a picture, each {width} wide, {count * width} values. Encode the pictures with the encoder that the model was trained with.");
    }

    private static ArgumentException Other(string name, string role, (int Count, int Width) found, int count, int width)
        => new($"The column '{name}' ({role}) holds {found.Count} tokens a picture, each {found.Width} wide; the model reads {count} tokens, each {width} wide. Encode the pictures with the encoder that the model was trained with.");

    /// <summary>Checks the column of a shape; dimensions are not part of one.</summary>
    /// <exception cref="ArgumentException">It is missing or of another type.</exception>
    public static void Require(SchemaShape shape, string name, string role)
    {
        SchemaShape.Column column = SchemaShapes.Require(shape, name, role);
        if (column.IsKey || column.Kind == SchemaShape.Column.VectorKind.Scalar || !Equals(column.ItemType, NumberDataViewType.Single))
            throw ColumnErrors.WrongType(name, role, SchemaShapes.Describe(column), "Vector<Single> with the dimensions [pictures, tokens, width]");
    }

    /// <summary>The values of the row on which the input stands, picture after picture; empty where it has none.</summary>
    /// <param name="number">The row's number, for messages.</param>
    /// <param name="used">How many pictures are looked at: the values of those behind them need not be numbers.</param>
    /// <exception cref="InvalidDataException">The length is no multiple of a picture's, a value is no finite number, or the pictures could not be encoded.</exception>
    public float[] Read(long number, int used = int.MaxValue)
    {
        try
        {
            _getter(ref _values);
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            throw RowErrors.Named(failure, number, RowErrors.Columns(_name));
        }

        int picture = _count * _width;
        if (_values.Length % picture != 0)
            throw RowErrors.At(number, RowErrors.Columns(_name), $"{_values.Length} values are not a whole number of pictures; a picture has {_count} tokens × {_width} = {picture} values. Encode the pictures with EncodeImages.");
        var values = new float[_values.Length];
        _values.CopyTo(values);
        if (VisualTokenValues.Problem(values.AsSpan(0, (int)Math.Min(values.Length, (long)used * picture)), _count, _width) is { } problem) throw RowErrors.At(number, RowErrors.Columns(_name), problem);
        return values;
    }
}
