using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>One row at a time, as prediction engines and chains of row mappers ask for it.</summary>
internal sealed class BatchRowMapper(BatchBindings bindings) : IRowToRowMapper
{
    public DataViewSchema InputSchema => bindings.InputSchema;

    public DataViewSchema OutputSchema => bindings.OutputSchema;

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        bool[] active = bindings.Active(dependingColumns, out bool anyAppended);
        return bindings.Dependencies(active, anyAppended);
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Schema != bindings.InputSchema) throw new ArgumentException("The row's schema is not the one that this mapper was made for.", nameof(input));
        bool[] active = bindings.Active(activeColumns, out bool anyAppended);
        IRowBatch? batch = anyAppended ? bindings.Owner.CreateBatch(input, bindings.ActiveOutputs(active), capacity: 1) : null;
        return new Row(bindings, input, active, batch);
    }

    private sealed class Row(BatchBindings bindings, DataViewRow input, bool[] active, IRowBatch? batch) : DataViewRow
    {
        private long _computed = -1;
        private bool _disposed;

        public override DataViewSchema Schema => bindings.OutputSchema;

        public override long Position => input.Position;

        public override long Batch => input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column)
            => column.Index < bindings.InputCount ? input.IsColumnActive(bindings.InputSchema[column.Index]) : active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (column.Index < bindings.InputCount) return input.GetGetter<TValue>(bindings.InputSchema[column.Index]);
            return BatchBindings.Typed<TValue>(active[column.Index] ? batch!.CreateGetter(column.Index - bindings.InputCount, Computed) : null, column);
        }

        // All appended columns of a row come from one call of the model.
        private int Computed()
        {
            ObjectDisposedException.ThrowIf(_disposed, typeof(DataViewRow));
            if (_computed != input.Position || _computed < 0)
            {
                _computed = -1;
                batch!.Read(0);
                batch.Run(1);
                GC.KeepAlive(batch);
                _computed = input.Position;
            }

            return 0;
        }

        protected override void Dispose(bool disposing)
        {
            if (_disposed) return;
            _disposed = true;
            if (disposing)
            {
                batch?.Dispose();
                input.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
