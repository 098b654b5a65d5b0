namespace Microsoft.ML.MetaMorph;

/// <summary>Filters that go through a list with a test, a filter or an attribute.</summary>
internal static class JinjaSelectionFilters
{
    public static readonly Dictionary<string, JinjaFilters.Filter> All = new()
    {
        ["map"] = Map,
        ["select"] = (v, a, c) => Select(v, a, c, byAttribute: false, keep: true),
        ["reject"] = (v, a, c) => Select(v, a, c, byAttribute: false, keep: false),
        ["selectattr"] = (v, a, c) => Select(v, a, c, byAttribute: true, keep: true),
        ["rejectattr"] = (v, a, c) => Select(v, a, c, byAttribute: true, keep: false),
        ["groupby"] = GroupBy,
    };

    /// <summary>An attribute by its path: names and indices with dots between them.</summary>
    public static object? Path(object? item, object? path, JinjaContext context)
    {
        if (path is long index) return JinjaAccess.Item(item, index, context);
        string spelled = JinjaType.ToText(path, "an attribute");
        context.Budget.Work(spelled.Length);
        foreach (string part in spelled.Split('.'))
        {
            item = JinjaAccess.Item(item, long.TryParse(part, System.Globalization.NumberStyles.None, null, out long number) ? number : part, context);
        }
        return item;
    }

    private static object? Map(object? value, JinjaArguments arguments, JinjaContext context)
    {
        if (arguments.Positional.Count == 0 && arguments.Named.TryGetValue("attribute", out object? path))
        {
            if (arguments.Named.Keys.FirstOrDefault(k => k is not ("attribute" or "default")) is { } unknown) throw new JinjaError("FilterArgumentError", $"Unexpected keyword argument '{unknown}'");
            object? otherwise = arguments.Named.GetValueOrDefault("default");
            return Stream(value, context, i => Path(i, path, context) is var found && found is JinjaUndefined && otherwise is not null ? otherwise : found);
        }
        if (arguments.Positional.Count == 0) throw new JinjaError("FilterArgumentError", "map requires a filter argument");
        string filter = JinjaType.ToText(arguments.Positional[0], "a filter's name");
        JinjaArguments rest = arguments.Skip(1);
        return Stream(value, context, i => JinjaFilters.Apply(filter, i, rest, context));
    }

    private static JinjaIterator Stream(object? value, JinjaContext context, Func<object?, object?> change) => new(JinjaType.Iterate(value).Select(item =>
    {
        context.Budget.Step();
        return change(item);
    }));

    private static JinjaIterator Select(object? value, JinjaArguments arguments, JinjaContext context, bool byAttribute, bool keep)
    {
        int skip = byAttribute ? 1 : 0;
        if (arguments.Positional.Count < skip) throw new JinjaError("FilterArgumentError", "Missing parameter for attribute name");
        object? path = byAttribute ? arguments.Positional[0] : null;
        string? test = arguments.Positional.Count > skip ? JinjaType.ToText(arguments.Positional[skip], "a test's name") : null;
        JinjaArguments rest = arguments.Skip(skip + 1);
        return new JinjaIterator(JinjaType.Iterate(value).Where(item =>
        {
            context.Budget.Step();
            object? tested = byAttribute ? Path(item, path, context) : item;
            return keep == (test is null ? JinjaType.IsTrue(tested) : JinjaTests.Holds(test, tested, rest, context));
        }));
    }

    private static object? GroupBy(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object? path = arguments.Bind("groupby", ("attribute", JinjaArguments.Required))[0];
        var comparer = Comparer<object?>.Create((a, b) => JinjaCompare.Order(a, b, "<", context) ?? 0);
        var groups = new List<(object? Key, List<object?> Items)>();
        foreach (object? item in JinjaSequenceFilters.List(value, context).OrderBy(i => Path(i, path, context), comparer))
        {
            object? key = Path(item, path, context);
            if (groups.Count == 0 || !context.Equality.Equals(groups[^1].Key, key)) groups.Add((key, []));
            groups[^1].Items.Add(item);
        }
        return groups.ConvertAll(g => (object?)new JinjaTuple([g.Key, g.Items]));
    }
}
