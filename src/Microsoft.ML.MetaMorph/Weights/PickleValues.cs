namespace Microsoft.ML.MetaMorph;

// What a pickle can hold beside null, bool, long, BigInteger, double, string and byte[].

/// <summary>A Python list or set.</summary>
internal sealed class PickleList : List<object?>
{
    public PickleList()
    {
    }

    public PickleList(IEnumerable<object?> items)
        : base(items)
    {
    }
}

/// <summary>A Python tuple.</summary>
internal sealed class PickleTuple(IReadOnlyList<object?> items)
{
    public IReadOnlyList<object?> Items { get; } = items;

    public int Count => Items.Count;
}

/// <summary>A Python dictionary; like Python's, it remembers the order in which keys came.</summary>
internal sealed class PickleDictionary
{
    private static readonly object NoneKey = new();

    private readonly Dictionary<object, int> _places = [];
    private readonly List<KeyValuePair<object?, object?>> _entries = [];

    public IReadOnlyList<KeyValuePair<object?, object?>> Entries => _entries;

    public void Set(object? key, object? value)
    {
        object hashed = key ?? NoneKey;
        if (_places.TryGetValue(hashed, out int place))
        {
            _entries[place] = KeyValuePair.Create(key, value);
            return;
        }
        _places[hashed] = _entries.Count;
        _entries.Add(KeyValuePair.Create(key, value));
    }

    public bool TryGet(object key, out object? value)
    {
        bool found = _places.TryGetValue(key, out int place);
        value = found ? _entries[place].Value : null;
        return found;
    }
}
