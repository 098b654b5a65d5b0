using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph;

/// <summary>A column of pictures that drawings start from: one a row, or null.</summary>
internal static class StartImageColumn
{
    private const string Role = "pictures to start from", Expected = "MLImage";

    /// <summary>Checks the column of a schema.</summary>
    /// <exception cref="ArgumentException">It is missing or of another type.</exception>
    public static void Require(DataViewSchema schema, string name)
    {
        DataViewType type = schema.GetColumnOrNull(name)?.Type ?? throw ColumnErrors.Missing(name, Role, schema.Select(column => column.Name));
        if (type is not ImageDataViewType) throw ColumnErrors.WrongType(name, Role, type.ToString()!, Expected);
    }

    /// <summary>Checks the column of a shape.</summary>
    /// <exception cref="ArgumentException">It is missing or of another type.</exception>
    public static void Require(SchemaShape shape, string name)
    {
        SchemaShape.Column column = SchemaShapes.Require(shape, name, Role);
        if (column.Kind != SchemaShape.Column.VectorKind.Scalar || column.ItemType is not ImageDataViewType) throw ColumnErrors.WrongType(name, Role, SchemaShapes.Describe(column), Expected);
    }
}
