namespace Microsoft.ML.MetaMorph;

/// <summary><c>value.name</c></summary>
internal sealed class JinjaAttribute(JinjaExpression owner, string name, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context)
    {
        context.Budget.Work(name.Length);
        return JinjaAccess.Attribute(owner.Evaluate(context), name);
    }
}

/// <summary><c>value[key]</c></summary>
internal sealed class JinjaItem(JinjaExpression owner, JinjaExpression key, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context) => JinjaAccess.Item(owner.Evaluate(context), key.Evaluate(context), context);
}

/// <summary><c>value[start:stop:step]</c></summary>
internal sealed class JinjaSlice(JinjaExpression owner, JinjaExpression? start, JinjaExpression? stop, JinjaExpression? step, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context)
    {
        object? value = owner.Evaluate(context);
        if (value is JinjaUndefined undefined) throw undefined.Error();
        if (value is not (string or List<object?> or JinjaTuple or JinjaRange)) return JinjaUndefined.Element(value, "slice");
        if (value is string whole) context.Budget.Work(whole.Length);
        int[] indices = [.. Indices((int)JinjaType.Length(value), Bound(start, context), Bound(stop, context), Bound(step, context) ?? 1)];
        context.Budget.Reserve(indices.Length);
        return value switch
        {
            string text => JinjaString.Take(text, indices),
            JinjaTuple tuple => new JinjaTuple([.. indices.Select(i => tuple.Items[i])]),
            List<object?> list => indices.Select(i => list[i]).ToList(),
            JinjaRange range => indices.Select(i => (object?)range.At(i)).ToList(),
            _ => throw new InvalidOperationException(), // all kinds are above
        };
    }

    private static long? Bound(JinjaExpression? bound, JinjaContext context) =>
        bound?.Evaluate(context) is { } value ? JinjaType.ToInteger(value, "a slice index") : null;

    private static IEnumerable<int> Indices(int length, long? from, long? to, long by)
    {
        if (by == 0) throw new JinjaError(JinjaError.Value, "slice step cannot be zero");
        long low = by > 0 ? 0 : -1, high = by > 0 ? length : length - 1;
        long start = from is { } f ? Math.Clamp(f < 0 ? f + length : f, low, high) : by > 0 ? low : high;
        long stop = to is { } t ? Math.Clamp(t < 0 ? t + length : t, low, high) : by > 0 ? high : low;
        for (long i = start; by > 0 ? i < stop : i > stop; i += Math.Clamp(by, -length - 1L, length + 1L)) yield return (int)i;
    }
}

/// <summary>Attributes and items as Python's sandbox gives them: what is missing is undefined, what is internal is refused.</summary>
internal static class JinjaAccess
{
    private static readonly string[] Mutators = ["append", "extend", "insert", "remove", "pop", "clear", "sort", "reverse", "update", "setdefault", "popitem"];

    public static object? Attribute(object? owner, string name)
    {
        if (owner is JinjaUndefined undefined) throw undefined.Error();
        if (name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal)) return JinjaUndefined.Unsafe(owner, name);
        if (owner is JinjaNamespace space) return space.Attributes.TryGet(name, out object? held) ? held : JinjaUndefined.Attribute(owner, name);
        if (owner is JinjaLoop loop) return loop.TryMember(name, out object? part) ? part : JinjaUndefined.Attribute(owner, name);
        if (Member(owner, name) is { } member) return member;
        return owner is JinjaDictionary dictionary && dictionary.TryGet(name, out object? value) ? value : JinjaUndefined.Attribute(owner, name);
    }

    public static object? Item(object? owner, object? key, JinjaContext context)
    {
        if (key is string spelled) context.Budget.Work(spelled.Length);
        else if (owner is string text) context.Budget.Work(text.Length);
        if (owner is JinjaUndefined undefined) throw undefined.Error();
        if (owner is JinjaDictionary dictionary && dictionary.TryGet(key, out object? value)) return value;
        if (key is long or bool && Element(owner, JinjaType.ToInteger(key, "an index")) is (true, var element)) return element;
        if (key is string name && owner is not JinjaNamespace) return Attribute(owner, name);
        return JinjaUndefined.Element(owner, key);
    }

    private static (bool Found, object? Value) Element(object? owner, long index)
    {
        if (owner is string text) return JinjaString.At(text, index) is { } character ? (true, character) : (false, null);
        if (owner is not (List<object?> or JinjaTuple or JinjaRange)) return (false, null);
        long length = JinjaType.Length(owner);
        if (index < 0) index += length;
        if (index < 0 || index >= length) return (false, null);
        return owner switch
        {
            List<object?> list => (true, list[(int)index]),
            JinjaTuple tuple => (true, tuple.Items[(int)index]),
            JinjaRange range => (true, range.At(index)),
            _ => (false, null),
        };
    }

    private static object? Member(object? owner, string name)
    {
        if (owner is List<object?> or JinjaDictionary && Mutators.Contains(name) && IsMutator(owner, name)) return JinjaUndefined.Unsafe(owner, name);
        return owner switch
        {
            string text => JinjaStringMethods.Find(text, name),
            JinjaDictionary dictionary => JinjaCollectionMethods.Find(dictionary, name),
            List<object?> list => JinjaCollectionMethods.Find(list, name),
            JinjaTuple tuple => JinjaCollectionMethods.Find(tuple.Items, name),
            JinjaMacro macro => name == "name" ? macro.Name : null,
            _ => null,
        };
    }

    private static bool IsMutator(object owner, string name) => owner is List<object?>
        ? name is not ("update" or "setdefault" or "popitem")
        : name is "clear" or "pop" or "popitem" or "update" or "setdefault";
}
