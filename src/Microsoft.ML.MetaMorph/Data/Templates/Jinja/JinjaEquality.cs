namespace Microsoft.ML.MetaMorph;

/// <summary>Python's <c>==</c>, with what it compares counted.</summary>
internal sealed class JinjaEquality(JinjaBudget? budget) : IEqualityComparer<object?>
{
    public static readonly object None = new();

    public new bool Equals(object? left, object? right)
    {
        budget?.Step();
        if (ReferenceEquals(left, right)) return left is not double.NaN;
        if (left is string text && right is string same && text.Length == same.Length) budget?.Work(text.Length);
        return (left, right) switch
        {
            (null, _) or (_, null) => false,
            (string a, string b) => string.Equals(a, b, StringComparison.Ordinal),
            (long a, long b) => a == b,
            (JinjaUndefined, JinjaUndefined) => true,
            (List<object?> a, List<object?> b) => SequenceEquals(a, b),
            (JinjaTuple a, JinjaTuple b) => SequenceEquals(a.Items, b.Items),
            (JinjaDictionary a, JinjaDictionary b) => a.Count == b.Count && a.Entries.All(e => b.TryGet(e.Key, out object? other) && Equals(e.Value, other)),
            (JinjaRange a, JinjaRange b) => a.Items.SequenceEqual(b.Items, this),
            _ => JinjaType.IsNumber(left) && JinjaType.IsNumber(right) && JinjaType.ToDouble(left) == JinjaType.ToDouble(right),
        };
    }

    // a tuple's hash looks at its length only: nested tuples that share parts would take for ever
    public int GetHashCode(object value)
    {
        if (value is string text) budget?.Work(text.Length);
        return Hash(value);
    }

    private static int Hash(object value) => value switch
    {
        string text => text.GetHashCode(StringComparison.Ordinal),
        JinjaTuple tuple => tuple.Items.Count,
        bool or long or double => JinjaType.ToDouble(value).GetHashCode(),
        JinjaUndefined => 0,
        _ => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(value),
    };

    private bool SequenceEquals(IReadOnlyList<object?> a, IReadOnlyList<object?> b)
    {
        if (a.Count != b.Count) return false;
        for (int i = 0; i < a.Count; i++)
        {
            if (!Equals(a[i], b[i])) return false;
        }
        return true;
    }
}
