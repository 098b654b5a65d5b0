using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Schema shapes without ML.NET's internals: their columns have no public constructor, but <see cref="EstimatorChain{T}"/> makes a
/// shape of every schema that it fits and hands it to its estimators.
/// </summary>
internal static class SchemaShapes
{
    /// <summary>The shape of a schema.</summary>
    public static SchemaShape FromSchema(DataViewSchema schema)
    {
        var capture = new Capture();
        new EstimatorChain<ITransformer>().Append(capture).Fit(new SchemaOnlyView(schema));
        return capture.Shape!;
    }

    /// <summary>What an estimator's <c>GetOutputSchema</c> returns: the input without columns of the same names, and the new columns.</summary>
    public static SchemaShape Append(SchemaShape input, params DataViewSchema.DetachedColumn[] added)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(added);
        var columns = new Dictionary<string, SchemaShape.Column>();
        foreach (SchemaShape.Column column in input) columns[column.Name] = column;
        foreach (SchemaShape.Column column in FromSchema(builder.ToSchema())) columns[column.Name] = column;
        return new SchemaShape(columns.Values);
    }

    /// <summary>Finds a column.</summary>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static SchemaShape.Column Require(SchemaShape shape, string name, string role)
    {
        foreach (SchemaShape.Column column in shape)
        {
            if (column.Name == name) return column;
        }

        throw ColumnErrors.Missing(name, role, shape.Select(column => column.Name));
    }

    /// <summary>The type as a person writes it, for messages.</summary>
    public static string Describe(SchemaShape.Column column) => column.Kind switch
    {
        SchemaShape.Column.VectorKind.Vector => $"Vector<{column.ItemType}>",
        SchemaShape.Column.VectorKind.VariableVector => $"VarVector<{column.ItemType}>",
        _ => column.ItemType.ToString()!,
    };

    private sealed class Capture : IEstimator<ITransformer>
    {
        public SchemaShape? Shape { get; private set; }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => Shape = inputSchema;

        public ITransformer Fit(IDataView input) => new Identity();
    }

    private sealed class Identity : ITransformer
    {
        public bool IsRowToRowMapper => false;

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;

        public IDataView Transform(IDataView input) => input;

        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema)
            => throw new NotSupportedException("This transformer stands for the end of a chain that is fitted for its schema's shape only; it maps no rows.");

        public void Save(ModelSaveContext ctx)
            => throw new NotSupportedException("This transformer stands for the end of a chain that is fitted for its schema's shape only; it is not saved.");
    }

    private sealed class SchemaOnlyView(DataViewSchema schema) : IDataView
    {
        public bool CanShuffle => false;

        public DataViewSchema Schema => schema;

        public long? GetRowCount() => 0;

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => throw NoRows();

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) => throw NoRows();

        private static NotSupportedException NoRows() => new("This view has a schema and no rows: the shape of the schema is asked for, and no estimator may read it.");
    }
}
