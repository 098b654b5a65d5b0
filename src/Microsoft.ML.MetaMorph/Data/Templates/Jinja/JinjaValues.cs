namespace Microsoft.ML.MetaMorph;

/// <summary>A fixed list.</summary>
internal sealed record JinjaTuple(IReadOnlyList<object?> Items);

/// <summary>What <c>keys()</c>, <c>values()</c> and <c>items()</c> give.</summary>
internal sealed record JinjaView(string Name, IReadOnlyList<object?> Items);

/// <summary>A stream of values that can be gone through once, as <c>map</c> and <c>select</c> give it.</summary>
internal sealed class JinjaIterator(IEnumerable<object?> items)
{
    private readonly IEnumerator<object?> _items = items.GetEnumerator();

    public IEnumerable<object?> Rest()
    {
        while (_items.MoveNext()) yield return _items.Current;
    }
}

/// <summary>A row of integers.</summary>
internal sealed class JinjaRange(long start, long stop, long step)
{
    public long Start => start;

    public long Stop => stop;

    public long StepSize => step;

    public long Count
    {
        get
        {
            Int128 distance = step > 0 ? (Int128)stop - start : (Int128)start - stop;
            Int128 size = Int128.Abs(step);
            return (long)Int128.Clamp((distance + size - 1) / size, 0, long.MaxValue);
        }
    }

    public long At(long index) => start + index * step;

    public IEnumerable<object?> Items
    {
        get
        {
            long count = Count;
            for (long i = 0; i < count; i++) yield return At(i);
        }
    }
}

/// <summary>A mutable holder of attributes, the one way for a loop to change what is outside it.</summary>
internal sealed class JinjaNamespace(JinjaDictionary attributes)
{
    public JinjaDictionary Attributes { get; } = attributes;
}

/// <summary>Something that can be called: a global function, a method, a macro.</summary>
internal interface IJinjaCallable
{
    object? Call(JinjaContext context, JinjaArguments arguments);
}

/// <summary>A function of ours.</summary>
internal sealed class JinjaFunction(Func<JinjaContext, JinjaArguments, object?> body) : IJinjaCallable
{
    public object? Call(JinjaContext context, JinjaArguments arguments) => body(context, arguments);
}
