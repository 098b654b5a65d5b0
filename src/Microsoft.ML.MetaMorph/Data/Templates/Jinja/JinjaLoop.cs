namespace Microsoft.ML.MetaMorph;

/// <summary>The variable <c>loop</c>: where a loop stands. Called, it runs a recursive loop's body over another list.</summary>
/// <remarks>Items are taken from the source as they are asked for: a loop's condition may look at what the loop's body has set.</remarks>
internal sealed class JinjaLoop(IEnumerable<object?> source, int depth, Func<object?, int, string>? recurse) : IJinjaCallable
{
    private readonly List<object?> _items = [];
    private readonly IEnumerator<object?> _source = source.GetEnumerator();
    private object? _changed;
    private bool _hasChanged;

    public int Index { get; set; }

    /// <summary>The number of items; takes all that are left.</summary>
    public int Length
    {
        get
        {
            while (TakeNext())
            {
            }
            return _items.Count;
        }
    }

    /// <summary>The item that the loop stands at.</summary>
    public object? Item => _items[Index];

    /// <summary>Whether there is an item at <paramref name="index"/>; takes no more from the source than that.</summary>
    public bool Has(int index)
    {
        while (_items.Count <= index)
        {
            if (!TakeNext()) return false;
        }
        return true;
    }

    public object? Call(JinjaContext context, JinjaArguments arguments)
    {
        if (recurse is null) throw JinjaError.OfType("The loop must have the 'recursive' marker to be called recursively.");
        context.Budget.EnterCall();
        try
        {
            return recurse(arguments.Bind("loop", ("iterable", JinjaArguments.Required))[0], depth + 1);
        }
        finally
        {
            context.Budget.LeaveCall();
        }
    }

    public bool TryMember(string name, out object? value)
    {
        value = name switch
        {
            "index" => Index + 1L,
            "index0" => (long)Index,
            "revindex" => (long)(Length - Index),
            "revindex0" => Length - Index - 1L,
            "first" => Index == 0,
            "last" => !Has(Index + 1),
            "length" => (long)Length,
            "depth" => depth + 1L,
            "depth0" => (long)depth,
            "previtem" => Index > 0 ? _items[Index - 1] : new JinjaUndefined("there is no previous item"),
            "nextitem" => Has(Index + 1) ? _items[Index + 1] : new JinjaUndefined("there is no next item"),
            "cycle" => new JinjaFunction((_, arguments) => Cycle(arguments.Positional)),
            "changed" => new JinjaFunction((context, arguments) => Changed(new JinjaTuple(arguments.Positional), context)),
            _ => this,
        };
        return !ReferenceEquals(value, this);
    }

    private bool TakeNext()
    {
        if (!_source.MoveNext()) return false;
        _items.Add(_source.Current);
        return true;
    }

    private object? Cycle(IReadOnlyList<object?> values) => values.Count > 0 ? values[Index % values.Count] : throw JinjaError.OfType("no items for cycling given");

    private bool Changed(JinjaTuple value, JinjaContext context)
    {
        if (_hasChanged && context.Equality.Equals(_changed, value)) return false;
        (_changed, _hasChanged) = (value, true);
        return true;
    }
}
