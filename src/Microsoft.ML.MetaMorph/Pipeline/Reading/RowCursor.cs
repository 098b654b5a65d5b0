using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>Goes once through the rows of a <see cref="RowDataView"/>. Bytes of pictures are read when their column is asked for.</summary>
internal sealed class RowCursor : DataViewRowCursor
{
    private readonly RowDataView _view;
    private readonly bool[] _active;
    private readonly IEnumerator<PlacedRow> _rows;
    private long _position = -1;
    private bool _ended;

    public RowCursor(RowDataView view, bool[] active, IEnumerable<PlacedRow> rows)
    {
        _view = view;
        _active = active;
        _rows = rows.GetEnumerator();
    }

    public override DataViewSchema Schema => _view.Schema;

    public override long Position => _ended ? -1 : _position;

    public override long Batch => 0;

    public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

    public override bool MoveNext()
    {
        if (_ended) return false;
        if (_rows.MoveNext())
        {
            _position++;
            return true;
        }

        _ended = true;
        return false;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = new DataViewRowId((ulong)Current().Number, 0);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        RowViewSettings settings = _view.Settings;
        Delegate? getter = !_active[column.Index] ? null : column.Index switch
        {
            0 => Texts(settings.SeveralTurns, row => row.Prompts),
            1 => Texts(settings.SeveralTurns, row => row.Responses),
            _ when settings.AsPaths => Paths(),
            int index => Bytes(index - 2, column.Name),
        };
        return BatchBindings.Typed<TValue>(getter, column);
    }

    protected override void Dispose(bool disposing)
    {
        _ended = true;
        if (disposing) _rows.Dispose();
        base.Dispose(disposing);
    }

    private PlacedRow Current()
        => _position >= 0 && !_ended ? _rows.Current : throw new InvalidOperationException("There is no value before MoveNext() or after it returned false.");

    private Delegate Texts(bool several, Func<InstructionRow, IReadOnlyList<string>> turns)
    {
        ValueGetter<ReadOnlyMemory<char>> one = (ref ReadOnlyMemory<char> value) => value = turns(Current().Row)[0].AsMemory();
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> all = (ref VBuffer<ReadOnlyMemory<char>> value) => Copy(turns(Current().Row), ref value);
        return several ? all : one;
    }

    private Delegate Paths()
    {
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter = (ref VBuffer<ReadOnlyMemory<char>> value) => Copy([.. Current().Row.Images.Select(image => image.Path!)], ref value);
        return getter;
    }

    private Delegate Bytes(int index, string name)
    {
        ValueGetter<VBuffer<byte>> getter = (ref VBuffer<byte> value) =>
        {
            IReadOnlyList<RowImage> images = Current().Row.Images;
            byte[] bytes = index < images.Count ? Read(images[index], name) : [];
            VBufferEditor<byte> editor = VBufferEditor.Create(ref value, bytes.Length);
            bytes.CopyTo(editor.Values);
            value = editor.Commit();
        };
        return getter;
    }

    private byte[] Read(RowImage image, string name)
    {
        PlacedRow placed = Current();
        try
        {
            return image.ReadBytes();
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            throw RowErrors.At(placed.Number, RowErrors.Columns(name), $"{placed.Place}: the picture '{image.Name}' cannot be read: {failure.Message}", failure);
        }
    }

    private static void Copy(IReadOnlyList<string> texts, ref VBuffer<ReadOnlyMemory<char>> value)
    {
        VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref value, texts.Count);
        for (int i = 0; i < texts.Count; i++) editor.Values[i] = texts[i].AsMemory();
        value = editor.Commit();
    }
}
