using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>A cursor that was asked for none of the appended columns: no model, no buffering.</summary>
internal sealed class PassThroughCursor(BatchBindings bindings, DataViewRowCursor input, bool[] active) : DataViewRowCursor
{
    public override DataViewSchema Schema => bindings.OutputSchema;

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override bool MoveNext() => RowErrors.MoveNext(input);

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        => active[column.Index] ? input.GetGetter<TValue>(bindings.InputSchema[column.Index]) : BatchBindings.Typed<TValue>(null, column);

    protected override void Dispose(bool disposing)
    {
        if (disposing) input.Dispose();
        base.Dispose(disposing);
    }
}
