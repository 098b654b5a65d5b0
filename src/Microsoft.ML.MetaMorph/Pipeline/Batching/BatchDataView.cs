namespace Microsoft.ML.MetaMorph;

/// <summary>The lazy result of <see cref="BatchTransformer.Transform"/>.</summary>
internal sealed class BatchDataView(BatchBindings bindings, IDataView source) : TransformedDataView(source)
{
    /// <summary>Rows are shuffled by the source; batches follow its order.</summary>
    public override bool CanShuffle => Source.CanShuffle;

    public override DataViewSchema Schema => bindings.OutputSchema;

    protected override string TransformerName => bindings.Owner.GetType().Name;

    public override long? GetRowCount() => Source.GetRowCount();

    public override DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        bool[] active = bindings.Active(columnsNeeded, out bool anyAppended);
        return Wrap(Source.GetRowCursor(bindings.Dependencies(active, anyAppended), rand), active, anyAppended);
    }

    /// <summary>
    /// The number is only advice. Where the model is called one cursor comes back, so that batches are full and rows stay in order;
    /// where it is not, the source's own set passes through.
    /// </summary>
    public override DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
    {
        DataViewSchema.Column[] needed = [.. columnsNeeded];
        bool[] active = bindings.Active(needed, out bool anyAppended);
        if (anyAppended) return [GetRowCursor(needed, rand)];
        return Array.ConvertAll(Source.GetRowCursorSet(bindings.Dependencies(active, anyAppended), n, rand), cursor => Wrap(cursor, active, anyAppended));
    }

    private DataViewRowCursor Wrap(DataViewRowCursor input, bool[] active, bool anyAppended)
    {
        if (!anyAppended) return new PassThroughCursor(bindings, input, active);
        try
        {
            return new BatchCursor(bindings, input, active);
        }
        catch
        {
            input.Dispose();
            throw;
        }
    }
}
