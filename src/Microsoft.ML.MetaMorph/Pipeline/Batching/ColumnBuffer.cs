using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Holds the values of one passed-through column for the rows of a batch; the input has moved on already. Where a row's value cannot be had,
/// its getter throws, as it would without a batch: the other rows have theirs.
/// </summary>
internal abstract class ColumnBuffer(int capacity) : IDisposable
{
    private readonly ExceptionDispatchInfo?[] _failures = new ExceptionDispatchInfo?[capacity];

    /// <summary>Whether values of the type can be held; a mutable object of a foreign type cannot, its producer may use it again.</summary>
    public static bool CanHold(DataViewType type) => type.RawType.IsValueType || type.RawType == typeof(MLImage) || type.RawType == typeof(string);

    public static ColumnBuffer Create(DataViewRow row, DataViewSchema.Column column, int capacity)
    {
        Type raw = column.Type.RawType;
        Type buffer = raw.IsGenericType && raw.GetGenericTypeDefinition() == typeof(VBuffer<>)
            ? typeof(Vectors<>).MakeGenericType(raw.GetGenericArguments())
            : raw == typeof(MLImage) ? typeof(Images)
            : CanHold(column.Type) ? typeof(Scalars<>).MakeGenericType(raw)
            : typeof(Direct<>).MakeGenericType(raw);
        return (ColumnBuffer)Activator.CreateInstance(buffer, row, column, capacity)!;
    }

    /// <summary>Takes the value of the row on which the input stands.</summary>
    public void Store(int slot)
    {
        _failures[slot] = null;
        try
        {
            Take(slot);
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            _failures[slot] = ExceptionDispatchInfo.Capture(failure);
        }
    }

    public abstract Delegate CreateGetter(Func<int> slot);

    public virtual void Dispose()
    {
    }

    protected abstract void Take(int slot);

    /// <summary>The slot itself, if it has a value.</summary>
    protected int Taken(int slot)
    {
        _failures[slot]?.Throw();
        return slot;
    }

    private sealed class Scalars<T>(DataViewRow row, DataViewSchema.Column column, int capacity) : ColumnBuffer(capacity)
    {
        private readonly ValueGetter<T> _get = row.GetGetter<T>(column);
        private readonly T[] _values = new T[capacity];

        protected override void Take(int slot) => _get(ref _values[slot]!);

        public override Delegate CreateGetter(Func<int> slot) => (ValueGetter<T>)((ref T value) => value = _values[Taken(slot())]);
    }

    private sealed class Vectors<T>(DataViewRow row, DataViewSchema.Column column, int capacity) : ColumnBuffer(capacity)
    {
        private readonly ValueGetter<VBuffer<T>> _get = row.GetGetter<VBuffer<T>>(column);
        private readonly VBuffer<T>[] _values = new VBuffer<T>[capacity];

        protected override void Take(int slot) => _get(ref _values[slot]);

        // A copy: the consumer may write into the buffer it passed.
        public override Delegate CreateGetter(Func<int> slot) => (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => _values[Taken(slot())].CopyTo(ref value));
    }

    /// <summary>
    /// Pictures. ML.NET's convention: a producer disposes what the caller's variable holds and puts a new picture there, and the
    /// consumer owns that one; so the buffer keeps copies and hands out copies.
    /// </summary>
    private sealed class Images(DataViewRow row, DataViewSchema.Column column, int capacity) : ColumnBuffer(capacity)
    {
        private readonly ValueGetter<MLImage> _get = row.GetGetter<MLImage>(column);
        private readonly MLImage?[] _values = new MLImage?[capacity];
        private MLImage? _upstream;

        protected override void Take(int slot)
        {
            UpstreamImage.Get(_get, ref _upstream);
            _values[slot]?.Dispose();
            _values[slot] = null;
            _values[slot] = UpstreamImage.Copy(_upstream);
        }

        public override Delegate CreateGetter(Func<int> slot) => (ValueGetter<MLImage>)((ref MLImage value) =>
        {
            MLImage? held = _values[Taken(slot())];
            value?.Dispose();
            value = UpstreamImage.Copy(held)!;
        });

        public override void Dispose()
        {
            foreach (MLImage? image in _values) image?.Dispose();
            Array.Clear(_values);
        }
    }

    /// <summary>A value that cannot be held: batches have one row, and the input still stands on it.</summary>
    private sealed class Direct<T> : ColumnBuffer
    {
        private readonly ValueGetter<T> _get;

        public Direct(DataViewRow row, DataViewSchema.Column column, int capacity)
            : base(capacity)
        {
            if (capacity != 1) throw new ArgumentOutOfRangeException(nameof(capacity), capacity, $"Values of the column '{column.Name}' ({column.Type}) cannot be held for more than one row.");
            _get = row.GetGetter<T>(column);
        }

        protected override void Take(int slot)
        {
        }

        public override Delegate CreateGetter(Func<int> slot) => (ValueGetter<T>)((ref T value) =>
        {
            _ = slot();
            _get(ref value);
        });
    }
}
