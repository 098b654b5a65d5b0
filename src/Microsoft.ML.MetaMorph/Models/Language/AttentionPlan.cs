using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What every layer of one forward pass shares: the rotation of each position, and who may attend to whom.</summary>
/// <remarks>Its tensors live in the dispose scope in which it was made.</remarks>
internal sealed class AttentionPlan
{
    private AttentionPlan(Tensor cosine, Tensor signedSine)
    {
        Cosine = cosine;
        SignedSine = signedSine;
    }

    /// <summary><c>[1 or b, t, 1, d]</c>.</summary>
    public Tensor Cosine { get; }

    /// <summary><c>[1 or b, t, 1, d]</c>.</summary>
    public Tensor SignedSine { get; }

    /// <summary>Added to the scores: <c>[1 or b, 1, t, s]</c> of 0 and −∞; null where none is needed.</summary>
    public Tensor? Mask { get; private init; }

    /// <summary>Position i sees positions 0 … i (no mask, nothing cached before).</summary>
    public bool IsCausal { get; private init; }

    public PackedRows? Packed { get; private init; }

    /// <summary>Plans the attention of <c>[batch, length]</c> positions that follow those in the cache.</summary>
    /// <exception cref="ArgumentException">The layout does not fit the batch, the length or the cache.</exception>
    public static AttentionPlan Create(RotaryEmbedding rotary, SequenceLayout layout, int batch, int length, KeyValueCache? cache, Device device)
    {
        using var mode = no_grad();
        if (length < 1) throw new ArgumentException("A forward pass needs at least one position.", nameof(length));
        if (cache is not null && cache.Batch != batch) throw new ArgumentException($"The cache has {cache.Batch} rows, the input {batch}.", nameof(cache));
        int past = cache?.Length ?? 0;
        if (layout is PackedLayout packed) return Pack(rotary, packed, batch, length, cache, device);
        int[]? padding = Padding(layout, batch, cache);
        if (padding is null) return Plain(rotary, past, length, device);
        for (int i = 0; i < batch; i++)
        {
            // With a cache, a chunk of a long prompt may lie within the padding of a short one.
            if (padding[i] < 0 || (cache is null && padding[i] >= length)) throw new ArgumentException($"Row {i} has {padding[i]} positions of padding among {past + length}.", nameof(layout));
        }
        return LeftPadded(rotary, padding, past, length, device);
    }

    private static int[]? Padding(SequenceLayout layout, int batch, KeyValueCache? cache)
    {
        if (layout is not LeftPaddedLayout padded) return cache?.Padding;
        if (padded.Padding.Length != batch) throw new ArgumentException($"The layout gives the padding of {padded.Padding.Length} rows, the input has {batch}.", nameof(layout));
        if (cache is { Length: > 0 } && !(cache.Padding ?? new int[batch]).AsSpan().SequenceEqual(padded.Padding))
            throw new ArgumentException("The padding differs from that of the positions in the cache.", nameof(layout));
        return padded.Padding.All(p => p == 0) ? null : padded.Padding;
    }

    private static AttentionPlan Plain(RotaryEmbedding rotary, int past, int length, Device device)
    {
        RotaryTable table = rotary.Table(past + length, device);
        return new AttentionPlan(table.Cosine.narrow(0, past, length).view(1, length, 1, -1), table.SignedSine.narrow(0, past, length).view(1, length, 1, -1))
        {
            IsCausal = past == 0 && length > 1,
            Mask = past > 0 && length > 1 ? Additive(Visible(past, length, device)).view(1, 1, length, past + length) : null,
        };
    }

    private static AttentionPlan LeftPadded(RotaryEmbedding rotary, int[] padding, int past, int length, Device device)
    {
        int batch = padding.Length, total = past + length;
        RotaryTable table = rotary.Table(total, device);
        using var scope = NewDisposeScope();
        Tensor begins = tensor(padding, dtype: ScalarType.Int64, device: device).view(batch, 1);
        Tensor positions = (arange(past, total, dtype: ScalarType.Int64, device: device).view(1, length) - begins).clamp_min(0).flatten();
        Tensor keys = arange(total, dtype: ScalarType.Int64, device: device);
        // A position of padding sees itself, so that its (unused) row has a finite softmax.
        Tensor self = keys.view(1, total) == arange(past, total, dtype: ScalarType.Int64, device: device).view(length, 1);
        Tensor visible = (keys.view(1, 1, total) >= begins.view(batch, 1, 1)).logical_and(Visible(past, length, device)).logical_or(self);
        return new AttentionPlan(
            table.Cosine.index_select(0, positions).view(batch, length, 1, -1).MoveToOuterDisposeScope(),
            table.SignedSine.index_select(0, positions).view(batch, length, 1, -1).MoveToOuterDisposeScope())
        {
            Mask = Additive(visible).view(batch, 1, length, total).MoveToOuterDisposeScope(),
        };
    }

    private static AttentionPlan Pack(RotaryEmbedding rotary, PackedLayout layout, int batch, int length, KeyValueCache? cache, Device device)
    {
        if (cache is not null) throw new ArgumentException("A pack cannot be continued: a packed layout takes no cache.", nameof(cache));
        if (batch != 1) throw new ArgumentException($"A pack is one row; the input has {batch}.", nameof(batch));
        if (layout.Lengths.Sum() != length) throw new ArgumentException($"The rows of the pack have {layout.Lengths.Sum()} positions, the input has {length}.", nameof(layout));
        RotaryTable table = rotary.Table(layout.Lengths.Max(), device);
        using Tensor positions = tensor(layout.Lengths.SelectMany(l => Enumerable.Range(0, l)).Select(p => (long)p).ToArray(), device: device);
        return new AttentionPlan(table.Cosine.index_select(0, positions).view(1, length, 1, -1), table.SignedSine.index_select(0, positions).view(1, length, 1, -1))
        {
            IsCausal = true,
            Packed = layout.Lengths.Length > 1 ? PackedRows.Create(layout.Lengths) : null,
        };
    }

    /// <summary><c>[length, past + length]</c>: true up to the position itself.</summary>
    private static Tensor Visible(int past, int length, Device device) => ones([length, past + length], dtype: ScalarType.Bool, device: device).tril(past);

    private static Tensor Additive(Tensor visible)
    {
        using var scope = NewDisposeScope();
        return zeros(visible.shape, dtype: ScalarType.Float32, device: visible.device).masked_fill_(visible.logical_not(), double.NegativeInfinity).MoveToOuterDisposeScope();
    }
}
