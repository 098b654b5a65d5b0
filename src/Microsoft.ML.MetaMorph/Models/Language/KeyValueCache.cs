using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Keys and values of all positions so far, for every layer: <c>[b, kvHeads, capacity, d]</c> each, allocated at once.</summary>
/// <remarks>
/// Growth: where <see cref="Length"/> would pass <see cref="Capacity"/>, every buffer is copied into one of twice the capacity (or
/// as much as is needed, if that is more); give the full length at construction to never pay that. One cache serves one stream of
/// calls: it is not thread-safe.
/// </remarks>
internal sealed class KeyValueCache : IDisposable
{
    private readonly Tensor[] _keys;
    private readonly Tensor[] _values;
    private bool _disposed;

    /// <param name="config">The model that fills it.</param>
    /// <param name="batch">Rows.</param>
    /// <param name="capacity">Positions a row.</param>
    /// <param name="device">The device of the model.</param>
    /// <param name="elementType">Float32, or a narrower type to halve the memory.</param>
    public KeyValueCache(LanguageModelConfig config, int batch, int capacity, Device device, ScalarType elementType = ScalarType.Float32)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        Batch = batch;
        Capacity = capacity;
        Device = device;
        ElementType = elementType;
        _keys = new Tensor[config.LayerCount];
        _values = new Tensor[config.LayerCount];
        for (int i = 0; i < config.LayerCount; i++)
        {
            _keys[i] = Allocate(config.KeyValueHeadCount, config.HeadWidth);
            _values[i] = Allocate(config.KeyValueHeadCount, config.HeadWidth);
        }
    }

    public int Batch { get; private set; }

    /// <summary>Positions that fit before the buffers grow.</summary>
    public int Capacity { get; private set; }

    /// <summary>Positions that are filled, left padding included.</summary>
    public int Length { get; private set; }

    public Device Device { get; }

    public ScalarType ElementType { get; }

    public int LayerCount => _keys.Length;

    /// <summary>Padding at the start of each row, as the first call's <see cref="LeftPaddedLayout"/> gave it; null without padding.</summary>
    public int[]? Padding { get; internal set; }

    /// <summary>Bytes held.</summary>
    public long Bytes => _keys.Concat(_values).Sum(t => t.numel() * t.element_size());

    /// <summary>The whole buffer of keys <c>[b, kvHeads, capacity, d]</c> of a layer, for kernels of our own. Valid until the cache grows.</summary>
    public Tensor Keys(int layer) => _keys[layer];

    /// <summary>The whole buffer of values <c>[b, kvHeads, capacity, d]</c> of a layer.</summary>
    public Tensor Values(int layer) => _values[layer];

    /// <summary>Makes room for <paramref name="length"/> positions in all.</summary>
    public void Reserve(int length)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (length <= Capacity) return;
        int capacity = (int)Math.Min(int.MaxValue, Math.Max(length, 2L * Capacity));
        Replace(old =>
        {
            Tensor grown = zeros([old.shape[0], old.shape[1], capacity, old.shape[3]], dtype: ElementType, device: Device);
            grown.narrow(2, 0, Length).copy_(old.narrow(2, 0, Length));
            return grown;
        });
        Capacity = capacity;
    }

    /// <summary>Writes <c>[b, t, kvHeads, d]</c> behind the filled positions of a layer and gives all its keys and values so far.</summary>
    /// <returns>Views <c>[b, kvHeads, Length + t, d]</c>; <see cref="Advance"/> moves on once every layer has written.</returns>
    public (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        int count = (int)keys.shape[1];
        if (keys.shape[0] != Batch) throw new ArgumentException($"The cache has {Batch} rows, the keys have {keys.shape[0]}.", nameof(keys));
        if (Length + count > Capacity) throw new InvalidOperationException($"{Length} + {count} positions pass the capacity of {Capacity}: call Reserve first.");
        using (NewDisposeScope())
        {
            _keys[layer].narrow(2, Length, count).copy_(keys.transpose(1, 2));
            _values[layer].narrow(2, Length, count).copy_(values.transpose(1, 2));
        }
        return (_keys[layer].narrow(2, 0, Length + count), _values[layer].narrow(2, 0, Length + count));
    }

    /// <summary>Counts positions that every layer has written.</summary>
    public void Advance(int count)
    {
        if (count < 0 || Length + count > Capacity) throw new ArgumentOutOfRangeException(nameof(count), count, $"Length {Length}, capacity {Capacity}.");
        Length += count;
    }

    /// <summary>Forgets everything from position <paramref name="length"/> on; 0 forgets the padding too.</summary>
    public void Rewind(int length)
    {
        if (length < 0 || length > Length) throw new ArgumentOutOfRangeException(nameof(length), length, $"The cache holds {Length} positions.");
        Length = length;
        if (length == 0) Padding = null;
    }

    /// <summary>Keeps the rows with these numbers, in this order; a number may come twice.</summary>
    public void KeepRows(ReadOnlySpan<int> rows)
    {
        if (rows.IsEmpty) throw new ArgumentException("A cache needs a row.", nameof(rows));
        foreach (int row in rows)
        {
            if (row < 0 || row >= Batch) throw new ArgumentOutOfRangeException(nameof(rows), row, $"The cache has {Batch} rows.");
        }
        long[] numbers = new long[rows.Length];
        for (int i = 0; i < numbers.Length; i++) numbers[i] = rows[i];
        using (Tensor index = tensor(numbers, device: Device)) Replace(old => old.index_select(0, index));
        Batch = numbers.Length;
        if (Padding is { } padding) Padding = [.. numbers.Select(row => padding[row])];
    }

    /// <summary>Gives the memory beyond the filled positions back.</summary>
    public void Trim()
    {
        int capacity = Math.Max(1, Length);
        if (capacity == Capacity) return;
        Replace(old => old.narrow(2, 0, capacity).clone());
        Capacity = capacity;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (Tensor buffer in _keys.Concat(_values)) buffer.Dispose();
    }

    // Zeros, not empty: kernels may read a little past the filled positions, and a NaN times zero is a NaN.
    private Tensor Allocate(int heads, int width) => zeros([Batch, heads, Capacity, width], dtype: ElementType, device: Device).DetachFromDisposeScope();

    private void Replace(Func<Tensor, Tensor> change)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using var mode = no_grad();
        foreach (Tensor[] buffers in new[] { _keys, _values })
        {
            for (int i = 0; i < buffers.Length; i++)
            {
                using var scope = NewDisposeScope();
                Tensor changed = change(buffers[i]).DetachFromDisposeScope();
                buffers[i].Dispose();
                buffers[i] = changed;
            }
        }
    }
}
