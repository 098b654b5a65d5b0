namespace Microsoft.ML.MetaMorph;

/// <summary>Filters of lists, dictionaries and texts as sequences.</summary>
internal static class JinjaSequenceFilters
{
    public static readonly Dictionary<string, JinjaFilters.Filter> All = new()
    {
        ["default"] = Default,
        ["d"] = Default,
        ["length"] = (v, a, _) => Plain(a, "length", JinjaType.Length(v)),
        ["count"] = (v, a, _) => Plain(a, "count", JinjaType.Length(v)),
        ["first"] = (v, a, _) => { a.Bind("first"); return JinjaType.Iterate(v).DefaultIfEmpty(new JinjaUndefined("No first item, sequence was empty.")).First(); },
        ["last"] = (v, a, c) => { a.Bind("last"); return List(v, c).DefaultIfEmpty(new JinjaUndefined("No last item, sequence was empty.")).Last(); },
        ["list"] = (v, a, c) => Plain(a, "list", List(v, c)),
        ["reverse"] = Reverse,
        ["join"] = Join,
        ["sort"] = Sort,
        ["unique"] = Unique,
        ["min"] = (v, a, c) => Extreme(v, a, c, "min", -1),
        ["max"] = (v, a, c) => Extreme(v, a, c, "max", 1),
        ["sum"] = Sum,
        ["items"] = Items,
        ["dictsort"] = SortDictionary,
        ["batch"] = Batch,
        ["slice"] = Slice,
        ["attr"] = (v, a, _) => JinjaAccess.Attribute(v, JinjaType.ToText(a.Bind("attr", ("name", JinjaArguments.Required))[0], "name")) is var found && v is JinjaDictionary && found is not IJinjaCallable ? JinjaUndefined.Attribute(v, "attr") : found,
    };

    public static List<object?> List(object? value, JinjaContext context)
    {
        var list = new List<object?>();
        foreach (object? item in JinjaType.Iterate(value))
        {
            context.Budget.Step();
            list.Add(item);
        }
        context.Budget.Reserve(list.Count);
        return list;
    }

    private static object? Plain(JinjaArguments arguments, string name, object? value)
    {
        arguments.Bind(name);
        return value;
    }

    private static object? Default(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("default", ("default_value", ""), ("boolean", false));
        return value is JinjaUndefined || JinjaType.IsTrue(values[1]) && !JinjaType.IsTrue(value) ? values[0] : value;
    }

    private static object? Reverse(object? value, JinjaArguments arguments, JinjaContext context)
    {
        arguments.Bind("reverse");
        List<object?> items = List(value, context);
        items.Reverse();
        return value is string ? string.Concat(items) : new JinjaIterator(items);
    }

    private static object? Join(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("join", ("d", ""), ("attribute", null));
        IEnumerable<object?> items = JinjaType.Iterate(value);
        if (values[1] is { } attribute) items = items.Select(i => JinjaSelectionFilters.Path(i, attribute, context));
        return JinjaStringMethods.Join(context.Text(values[0]), items.Select(i => (object?)context.Text(i)), context);
    }

    private static object? Sort(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("sort", ("reverse", false), ("case_sensitive", false), ("attribute", null));
        return Ordered(List(value, context), i => Key(values[2] is { } path ? JinjaSelectionFilters.Path(i, path, context) : i, values[1], context), JinjaType.IsTrue(values[0]), context);
    }

    private static List<object?> Ordered(List<object?> items, Func<object?, object?> key, bool descending, JinjaContext context)
    {
        var comparer = Comparer<object?>.Create((a, b) => JinjaCompare.Order(a, b, "<", context) ?? 0);
        return descending ? [.. items.OrderByDescending(key, comparer)] : [.. items.OrderBy(key, comparer)];
    }

    private static object? Key(object? value, object? caseSensitive, JinjaContext context)
    {
        if (value is not string text || JinjaType.IsTrue(caseSensitive)) return value;
        context.Budget.Work(text.Length);
        return JinjaString.Lower(text);
    }

    private static object? Unique(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("unique", ("case_sensitive", false), ("attribute", null));
        var seen = new JinjaDictionary(context.Budget);
        var kept = new List<object?>();
        foreach (object? item in List(value, context))
        {
            object? key = Key(values[1] is { } path ? JinjaSelectionFilters.Path(item, path, context) : item, values[0], context);
            if (seen.TryGet(key, out _)) continue;
            seen[key] = true;
            kept.Add(item);
        }
        return new JinjaIterator(kept);
    }

    private static object? Extreme(object? value, JinjaArguments arguments, JinjaContext context, string name, int sign)
    {
        object?[] values = arguments.Bind(name, ("case_sensitive", false), ("attribute", null));
        List<object?> items = List(value, context);
        if (items.Count == 0) return new JinjaUndefined("No aggregated item, sequence was empty.");
        return items.Aggregate((best, item) => Math.Sign(JinjaCompare.Order(Of(item), Of(best), "<", context) ?? 0) == sign ? item : best);

        object? Of(object? item) => Key(values[1] is { } path ? JinjaSelectionFilters.Path(item, path, context) : item, values[0], context);
    }

    private static object? Sum(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("sum", ("attribute", null), ("start", 0L));
        IEnumerable<object?> items = List(value, context);
        if (values[0] is { } path) items = items.Select(i => JinjaSelectionFilters.Path(i, path, context));
        return items.Aggregate(values[1], (sum, item) => JinjaArithmetic.Apply("+", sum, item, context));
    }

    private static object? Items(object? value, JinjaArguments arguments, JinjaContext context)
    {
        arguments.Bind("items");
        if (value is JinjaUndefined) return new JinjaIterator([]);
        if (value is not JinjaDictionary dictionary) throw JinjaError.OfType("Can only get item pairs from a mapping.");
        return new JinjaIterator(dictionary.Entries.Select(e => (object?)new JinjaTuple([e.Key, e.Value])));
    }

    private static object? SortDictionary(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("dictsort", ("case_sensitive", false), ("by", "key"), ("reverse", false));
        if (value is not JinjaDictionary dictionary) throw JinjaError.OfType($"'{JinjaType.Name(value)}' object has no items to sort");
        int part = JinjaType.ToText(values[1], "by") switch
        {
            "key" => 0,
            "value" => 1,
            _ => throw new JinjaError("FilterArgumentError", "You can only sort by either \"key\" or \"value\""),
        };
        List<object?> pairs = [.. dictionary.Entries.Select(e => new JinjaTuple([e.Key, e.Value]))];
        return Ordered(pairs, p => Key(((JinjaTuple)p!).Items[part], values[0], context), JinjaType.IsTrue(values[2]), context);
    }

    private static object? Batch(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("batch", ("linecount", JinjaArguments.Required), ("fill_with", null));
        int size = (int)Math.Clamp(JinjaType.ToInteger(values[0], "linecount"), 1, JinjaBudget.MaximumRange);
        List<object?> batches = [.. List(value, context).Chunk(size).Select(c => (object?)c.ToList())];
        if (values[1] is not null && batches.Count > 0)
        {
            var last = (List<object?>)batches[^1]!;
            context.Budget.Reserve(size);
            while (last.Count < size) last.Add(values[1]);
        }
        return new JinjaIterator(batches);
    }

    private static object? Slice(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("slice", ("slices", JinjaArguments.Required), ("fill_with", null));
        List<object?> items = List(value, context);
        int slices = (int)Math.Clamp(JinjaType.ToInteger(values[0], "slices"), 1, JinjaBudget.MaximumRange);
        int each = items.Count / slices, longer = items.Count % slices, start = 0;
        var result = new List<object?>();
        for (int s = 0; s < slices; s++)
        {
            int size = each + (s < longer ? 1 : 0);
            List<object?> part = items.GetRange(start, size);
            start += size;
            if (values[1] is not null && s >= longer && longer > 0) part.Add(values[1]);
            result.Add(part);
        }
        return new JinjaIterator(result);
    }
}
