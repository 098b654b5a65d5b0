using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A layer's weight in the element type of its products.</summary>
/// <remarks>
/// While a model learns, its weights change, and every product converts them for itself. Where they stay as they are
/// (<see cref="IsFixed"/>) a narrower copy is made once, at the first product, and the pages of a mapped file are let go: converting
/// all weights of a UNet anew takes a third of the time of a step. A wider copy is never kept: it would double the memory.
/// </remarks>
/// <param name="stored">The parameter; stays the layer's.</param>
/// <param name="arrange">Copies the converted weight into the arrangement that the product reads; null: it is read as it lies.</param>
internal sealed class ProductWeight(Parameter stored, Func<Tensor, Tensor>? arrange = null) : IDisposable
{
    /// <summary>From here on the holes that copies leave between tensors matter more than page faults.</summary>
    private const long LargeBytes = 4 << 20;

    private Tensor? _copy;

    /// <summary>Nobody writes to the weight any more; set before the first product.</summary>
    public bool IsFixed
    {
        get;
        set
        {
            field = value;
            if (!value) Forget();
        }
    }

    /// <summary>The weight for products in <paramref name="type"/>: the kept copy, or the parameter as it is stored. It stays this object's.</summary>
    public Tensor In(ScalarType type)
    {
        if (!IsFixed || (arrange is null && stored.dtype == type) || ElementTypes.Bytes(type) > stored.element_size()) return stored;
        if (Volatile.Read(ref _copy) is { } kept && kept.dtype == type) return kept;
        return Keep(type);
    }

    /// <summary>Lets the kept copy go, after a change of the weight.</summary>
    public void Forget() => Interlocked.Exchange(ref _copy, null)?.Dispose();

    public void Dispose() => Forget();

    private Tensor Keep(ScalarType type)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor converted = stored.to(type), made = (arrange is null ? converted : arrange(converted)).DetachFromDisposeScope();
        Interlocked.Exchange(ref _copy, made)?.Dispose();
        BorrowedTensor.LetPagesGo(stored);
        if (arrange is not null && stored.numel() * stored.element_size() >= LargeBytes) AllocatorTuning.Release();
        return made;
    }
}
