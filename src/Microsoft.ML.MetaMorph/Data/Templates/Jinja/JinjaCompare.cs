namespace Microsoft.ML.MetaMorph;

/// <summary>Comparisons and membership.</summary>
internal static class JinjaCompare
{
    public static bool Holds(string symbol, object? left, object? right, JinjaContext context) => symbol switch
    {
        "==" => context.Equality.Equals(left, right),
        "!=" => !context.Equality.Equals(left, right),
        "in" => Contains(right, left, context),
        "not in" => !Contains(right, left, context),
        "<" => Order(left, right, symbol, context) is < 0,
        "<=" => Order(left, right, symbol, context) is <= 0,
        ">" => Order(left, right, symbol, context) is > 0,
        ">=" => Order(left, right, symbol, context) is >= 0,
        _ => throw new JinjaError(JinjaError.Syntax, $"'{symbol}' does not compare"),
    };

    public static bool Contains(object? container, object? item, JinjaContext context)
    {
        switch (container)
        {
            case string text:
                string part = JinjaType.ToText(item, "'in <string>' requires string as left operand; it");
                context.Budget.Work((long)text.Length + part.Length);
                return new JinjaSearch(part).First(text) >= 0;
            case JinjaDictionary dictionary: return dictionary.TryGet(item, out _);
            case null or bool or long or double: throw JinjaError.OfType($"argument of type '{JinjaType.Name(container)}' is not iterable");
            default: return JinjaType.Iterate(container).Any(other => context.Equality.Equals(other, item));
        }
    }

    /// <summary>Less, equal or greater; null where nothing holds (not a number).</summary>
    public static int? Order(object? left, object? right, string symbol, JinjaContext context)
    {
        context.Budget.Step();
        if (left is JinjaUndefined undefined) throw undefined.Error();
        if (right is JinjaUndefined other) throw other.Error();
        if (left is string a && right is string b)
        {
            context.Budget.Work(Math.Min(a.Length, b.Length));
            return CompareText(a, b);
        }
        if (left is long m && right is long n) return m.CompareTo(n);
        if (JinjaType.IsNumber(left) && JinjaType.IsNumber(right))
        {
            (double x, double y) = (JinjaType.ToDouble(left), JinjaType.ToDouble(right));
            return double.IsNaN(x) || double.IsNaN(y) ? null : x.CompareTo(y);
        }
        if (Items(left) is { } these && Items(right) is { } those && JinjaType.Name(left) == JinjaType.Name(right)) return CompareItems(these, those, symbol, context);
        throw JinjaError.OfType($"'{symbol}' not supported between instances of '{JinjaType.Name(left)}' and '{JinjaType.Name(right)}'");
    }

    /// <summary>By code points, as Python compares; UTF-16 order differs beyond U+FFFF.</summary>
    public static int CompareText(string a, string b)
    {
        int i = 0;
        while (i < a.Length && i < b.Length && a[i] == b[i]) i++;
        if (i == a.Length || i == b.Length) return a.Length.CompareTo(b.Length);
        bool pairA = char.IsSurrogate(a[i]), pairB = char.IsSurrogate(b[i]);
        return pairA == pairB ? a[i].CompareTo(b[i]) : pairA ? 1 : -1;
    }

    private static IReadOnlyList<object?>? Items(object? value) => value switch
    {
        List<object?> list => list,
        JinjaTuple tuple => tuple.Items,
        _ => null,
    };

    private static int? CompareItems(IReadOnlyList<object?> a, IReadOnlyList<object?> b, string symbol, JinjaContext context)
    {
        for (int i = 0; i < a.Count && i < b.Count; i++)
        {
            if (!context.Equality.Equals(a[i], b[i])) return Order(a[i], b[i], symbol, context);
        }
        return a.Count.CompareTo(b.Count);
    }
}
