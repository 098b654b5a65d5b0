using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>Reads rows ahead, calls the model once for all of them, and gives them out one by one.</summary>
internal sealed class BatchCursor : DataViewRowCursor
{
    private readonly BatchBindings _bindings;
    private readonly DataViewRowCursor _input;
    private readonly bool[] _active;
    private readonly int _capacity;
    private readonly IRowBatch _batch;
    private readonly ColumnBuffer?[] _passed;
    private readonly ValueGetter<DataViewRowId> _getId;
    private readonly DataViewRowId[] _ids;
    private readonly long[] _batchNumbers;
    private int _count;
    private int _slot = -1;
    private long _position = -1;
    private bool _computed;
    private bool _exhausted;
    private bool _disposed;
    private ExceptionDispatchInfo? _failure;

    public BatchCursor(BatchBindings bindings, DataViewRowCursor input, bool[] active)
    {
        _bindings = bindings;
        _input = input;
        _active = active;
        DataViewSchema.Column[] passed = [.. bindings.InputSchema.Where(column => active[column.Index])];
        // A value that cannot be copied is only valid while the input stands on its row.
        _capacity = passed.All(column => ColumnBuffer.CanHold(column.Type)) ? Math.Max(1, bindings.Owner.BatchSize) : 1;
        _ids = new DataViewRowId[_capacity];
        _batchNumbers = new long[_capacity];
        _getId = input.GetIdGetter();
        _passed = new ColumnBuffer?[bindings.InputCount];
        foreach (DataViewSchema.Column column in passed) _passed[column.Index] = ColumnBuffer.Create(input, column, _capacity);
        _batch = bindings.Owner.CreateBatch(new FillingRow(this), bindings.ActiveOutputs(active), _capacity);
    }

    public override DataViewSchema Schema => _bindings.OutputSchema;

    public override long Position => _slot < 0 ? -1 : _position;

    /// <summary>The input's own number, row by row: it keeps the order when a set of cursors is put together again.</summary>
    public override long Batch => _slot < 0 ? 0 : _batchNumbers[_slot];

    public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

    public override bool MoveNext()
    {
        _failure?.Throw();
        if (_disposed || (++_slot >= _count && !Fill()))
        {
            _slot = -1;
            _count = 0;
            return false;
        }

        _position++;
        return true;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = _ids[Current()];

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!_active[column.Index]) return BatchBindings.Typed<TValue>(null, column);
        Delegate getter = column.Index < _bindings.InputCount
            ? _passed[column.Index]!.CreateGetter(Current)
            : _batch.CreateGetter(column.Index - _bindings.InputCount, Computed);
        return BatchBindings.Typed<TValue>(getter, column);
    }

    protected override void Dispose(bool disposing)
    {
        if (_disposed) return;
        _disposed = true;
        _slot = -1;
        if (disposing)
        {
            _batch.Dispose();
            foreach (ColumnBuffer? column in _passed) column?.Dispose();
            _input.Dispose();
        }

        base.Dispose(disposing);
    }

    // After a failure the buffers hold half a batch: the cursor gives the same error again instead of wrong rows.
    private bool Fill()
    {
        _count = 0;
        _slot = 0;
        _computed = false;
        try
        {
            while (_count < _capacity && !_exhausted)
            {
                if (!RowErrors.MoveNext(_input))
                {
                    _exhausted = true;
                    break;
                }

                _getId(ref _ids[_count]);
                _batchNumbers[_count] = _input.Batch;
                foreach (ColumnBuffer? column in _passed) column?.Store(_count);
                _batch.Read(_count);
                _count++;
            }
        }
        catch (Exception failure)
        {
            _count = 0;
            _slot = -1;
            _failure = ExceptionDispatchInfo.Capture(failure);
            throw;
        }

        return _count > 0;
    }

    private int Current()
    {
        ObjectDisposedException.ThrowIf(_disposed, typeof(DataViewRowCursor));
        return _slot >= 0 ? _slot : throw new InvalidOperationException("There is no value before MoveNext() or after it returned false.");
    }

    // The first getter of a batch pays for all of its rows.
    private int Computed()
    {
        int slot = Current();
        if (!_computed)
        {
            _batch.Run(_count);
            GC.KeepAlive(_batch);
            _computed = true;
        }

        return slot;
    }

    /// <summary>
    /// What the model reads from while a batch is filled. A column that is passed through as well is taken from its buffer: every call
    /// of a stock getter computes the value again (a picture would be decoded twice).
    /// </summary>
    private sealed class FillingRow(BatchCursor cursor) : DataViewRow
    {
        public override DataViewSchema Schema => cursor._input.Schema;

        public override long Position => cursor._input.Position;

        public override long Batch => cursor._input.Batch;

        public override ValueGetter<DataViewRowId> GetIdGetter() => cursor._input.GetIdGetter();

        public override bool IsColumnActive(DataViewSchema.Column column) => cursor._input.IsColumnActive(column);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => cursor._passed[column.Index] is { } buffer
                ? BatchBindings.Typed<TValue>(buffer.CreateGetter(() => cursor._count), column)
                : cursor._input.GetGetter<TValue>(column);
    }
}
