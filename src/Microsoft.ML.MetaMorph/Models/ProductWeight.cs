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
/// <param name="arrange">Copies a weight into an arrangement that some products read (<see cref="ArrangedIn"/>); null: there is none.</param>
internal sealed class ProductWeight(Parameter stored, Func<Tensor, Tensor>? arrange = null) : IDisposable
{
    /// <summary>From here on the holes that copies leave between tensors matter more than page faults.</summary>
    private const long LargeBytes = 4 << 20;

    private Tensor? _copy, _arranged;

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
    public Tensor In(ScalarType type) => stored.dtype == type || !MayKeep(type) ? stored : Kept(ref _copy, type, null);

    /// <summary>The arranged copy in <paramref name="type"/>; null where none may be kept. It stays this object's.</summary>
    public Tensor? ArrangedIn(ScalarType type) => arrange is null || !MayKeep(type) ? null : Kept(ref _arranged, type, arrange);

    /// <summary>Lets the kept copies go, after a change of the weight.</summary>
    public void Forget()
    {
        Interlocked.Exchange(ref _copy, null)?.Dispose();
        Interlocked.Exchange(ref _arranged, null)?.Dispose();
    }

    public void Dispose() => Forget();

    private bool MayKeep(ScalarType type) => IsFixed && ElementTypes.Bytes(type) <= stored.element_size();

    private Tensor Kept(ref Tensor? place, ScalarType type, Func<Tensor, Tensor>? rearrange)
    {
        if (Volatile.Read(ref place) is { } kept && kept.dtype == type) return kept;
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor converted = stored.to(type), made = (rearrange is null ? converted : rearrange(converted)).DetachFromDisposeScope();
        Interlocked.Exchange(ref place, made)?.Dispose();
        BorrowedTensor.LetPagesGo(stored);
        if (rearrange is not null && stored.numel() * stored.element_size() >= LargeBytes) AllocatorTuning.Release();
        return made;
    }
}
