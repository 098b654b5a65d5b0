namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A hold on something that several owners share: it is disposed when its last hold is. A hold that nobody disposed counts as given
/// back once it is unreachable, because ML.NET's prediction engine never disposes the row it drives.
/// </summary>
internal sealed class Lease<T> : IDisposable
    where T : class, IDisposable
{
    private readonly Shared _shared;
    private Type _holder;
    private int _disposed;

    /// <summary>The first hold; <paramref name="value"/> belongs to the leases from now on.</summary>
    public Lease(T value)
        : this(new Shared(value), typeof(T))
    {
    }

    private Lease(Shared shared, Type holder)
    {
        _shared = shared;
        _holder = holder;
    }

    ~Lease() => Return();

    /// <summary>What is held.</summary>
    /// <exception cref="ObjectDisposedException">This hold was given back.</exception>
    public T Value
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, _holder);
            return _shared.Value;
        }
    }

    /// <summary>How many holds there are on the same thing, this one included.</summary>
    internal int Holds => _shared.Holds;

    /// <summary>Another hold on the same thing.</summary>
    /// <exception cref="ObjectDisposedException">This hold was given back.</exception>
    public Lease<T> Share()
    {
        ObjectDisposedException.ThrowIf(_disposed != 0 || !_shared.TryAdd(), _holder);
        return new Lease<T>(_shared, _holder);
    }

    /// <summary>Says whose hold this is: what a person has in hand and disposed is what messages name.</summary>
    /// <returns>This hold.</returns>
    public Lease<T> HeldBy(Type holder)
    {
        _holder = holder;
        return this;
    }

    public void Dispose()
    {
        Return();
        GC.SuppressFinalize(this);
    }

    private void Return()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) _shared.Remove();
    }

    private sealed class Shared(T value)
    {
        private int _holds = 1;

        public T Value => value;

        public int Holds => Volatile.Read(ref _holds);

        public bool TryAdd()
        {
            int holds = Volatile.Read(ref _holds);
            while (holds > 0)
            {
                int seen = Interlocked.CompareExchange(ref _holds, holds + 1, holds);
                if (seen == holds) return true;
                holds = seen;
            }

            return false;
        }

        public void Remove()
        {
            if (Interlocked.Decrement(ref _holds) == 0) value.Dispose();
        }
    }
}
