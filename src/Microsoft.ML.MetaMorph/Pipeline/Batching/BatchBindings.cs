namespace Microsoft.ML.MetaMorph;

/// <summary>How the output's columns follow from the input's: the first <see cref="InputCount"/> pass through, the rest are appended.</summary>
/// <remarks>Columns are compared by index only: stock rows pass columns of their own schema objects.</remarks>
internal sealed class BatchBindings
{
    private readonly int[] _inputs;

    public BatchBindings(BatchTransformer owner, DataViewSchema input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Owner = owner;
        InputSchema = input;
        InputCount = input.Count;
        DataViewSchema.DetachedColumn[] added = owner.GetOutputColumns(input);
        OutputCount = added.Length;
        _inputs = [.. owner.InputColumns.Concat(owner.OptionalInputColumns(input)).Select(name => input[name].Index)];
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(input);
        builder.AddColumns(added);
        OutputSchema = builder.ToSchema();
    }

    public BatchTransformer Owner { get; }

    public DataViewSchema InputSchema { get; }

    /// <summary>One object for ever: the next stock mapper compares schemas by reference.</summary>
    public DataViewSchema OutputSchema { get; }

    public int InputCount { get; }

    public int OutputCount { get; }

    /// <summary>Which of the output's columns are asked for, and whether one of the appended is among them.</summary>
    public bool[] Active(IEnumerable<DataViewSchema.Column> needed, out bool anyAppended)
    {
        var active = new bool[OutputSchema.Count];
        foreach (DataViewSchema.Column column in needed) active[column.Index] = true;
        anyAppended = active.AsSpan(InputCount).Contains(true);
        return active;
    }

    /// <summary>The input's columns that are needed for those.</summary>
    public IEnumerable<DataViewSchema.Column> Dependencies(bool[] active, bool anyAppended)
    {
        bool[] needed = active[..InputCount];
        if (anyAppended)
        {
            foreach (int input in _inputs) needed[input] = true;
        }

        return InputSchema.Where(column => needed[column.Index]);
    }

    public bool[] ActiveOutputs(bool[] active) => active[InputCount..];

    /// <summary>Types a getter, or says why it cannot be had.</summary>
    public static ValueGetter<TValue> Typed<TValue>(Delegate? getter, DataViewSchema.Column column) => getter switch
    {
        null => throw new InvalidOperationException($"The column '{column.Name}' is not active in this cursor."),
        ValueGetter<TValue> typed => typed,
        _ => throw new InvalidOperationException($"The column '{column.Name}' has the type {column.Type}, whose values are not {typeof(TValue)}."),
    };
}
