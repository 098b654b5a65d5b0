using System.Diagnostics.CodeAnalysis;

namespace Microsoft.ML.MetaMorph;

/// <summary>A dictionary that keeps the order of its keys and compares them as Python does (1, 1.0 and True are one key).</summary>
internal sealed class JinjaDictionary
{
    private readonly Dictionary<object, int> _places;
    private readonly List<object?> _keys = [];
    private readonly List<object?> _values = [];

    public JinjaDictionary(JinjaBudget? budget = null) => _places = new Dictionary<object, int>(new JinjaEquality(budget)!);

    public int Count => _keys.Count;

    public IReadOnlyList<object?> Keys => _keys;

    public IReadOnlyList<object?> Values => _values;

    public IEnumerable<(object? Key, object? Value)> Entries => _keys.Zip(_values);

    public object? this[object? key]
    {
        set
        {
            RequireHashable(key);
            if (_places.TryGetValue(Slot(key), out int place))
            {
                _values[place] = value;
                return;
            }
            _places.Add(Slot(key), _keys.Count);
            _keys.Add(key);
            _values.Add(value);
        }
    }

    public bool TryGet(object? key, [MaybeNull] out object? value)
    {
        value = null;
        if (!IsHashable(key) || !_places.TryGetValue(Slot(key), out int place)) return false;
        value = _values[place];
        return true;
    }

    private static object Slot(object? key) => key ?? JinjaEquality.None;

    private static bool IsHashable(object? key) => key is not (List<object?> or JinjaDictionary);

    private static void RequireHashable(object? key)
    {
        if (!IsHashable(key)) throw JinjaError.OfType($"unhashable type: '{JinjaType.Name(key)}'");
    }
}
