using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A transformer that appends columns computed for many rows in one call of a model.
/// </summary>
/// <remarks>
/// <para>Lazy: nothing is computed before the first getter of an appended column is called, and nothing at all for cursors that
/// ask for none. A cursor reads <see cref="BatchSize"/> rows ahead and calls the model once for all of them; rows keep their order,
/// their ids and their position. A prediction engine calls it for one row at a time.</para>
/// <para>Threads: any number of cursors and prediction engines may run over one transformer at the same time; they share one copy
/// of the weights, and their calls of the model take turns.</para>
/// <para>Disposal: cursors and prediction engines that are already open go on; the weights are freed with the last of them. A new
/// cursor throws <see cref="ObjectDisposedException"/>.</para>
/// </remarks>
public abstract class BatchTransformer : ITransformer, IDisposable
{
    private protected BatchTransformer()
    {
    }

    /// <summary>How many rows go into one call of the model at most.</summary>
    public abstract int BatchSize { get; }

    /// <summary>Whether a row of the output depends on one row of the input only: always.</summary>
    public bool IsRowToRowMapper => true;

    /// <summary>The columns that the model reads.</summary>
    internal abstract IReadOnlyList<string> InputColumns { get; }

    /// <summary>The schema after this transformer.</summary>
    /// <param name="inputSchema">The schema before it.</param>
    /// <returns>The input's columns, then the appended ones; a column of the same name is hidden.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => new BatchBindings(this, inputSchema).OutputSchema;

    /// <summary>Wraps a data view; rows are computed when they are read.</summary>
    /// <param name="input">The rows.</param>
    /// <returns>The rows with the appended columns.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new BatchDataView(new BatchBindings(this, input.Schema), input);
    }

    /// <summary>The mapper by which a prediction engine computes one row at a time.</summary>
    /// <param name="inputSchema">The schema of the rows.</param>
    /// <returns>The mapper.</returns>
    /// <exception cref="ArgumentException">A column is missing or of another type.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new BatchRowMapper(new BatchBindings(this, inputSchema));

    /// <summary>Lets go of the weights; see the remarks of the class.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) => Save(ctx);

    /// <summary>Columns that the model reads where the schema has them.</summary>
    internal virtual IEnumerable<string> OptionalInputColumns(DataViewSchema inputSchema) => [];

    /// <summary>Checks the input's columns (and throws), and says which columns are appended.</summary>
    internal abstract DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema);

    /// <summary>Makes the buffer of one cursor or row. What it opened itself it lets go if it throws.</summary>
    internal abstract IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity);

    private protected abstract void Save(ModelSaveContext context);

    private protected abstract void Dispose(bool disposing);
}
