namespace Microsoft.ML.MetaMorph;

/// <summary>The methods of lists and dictionaries that change nothing.</summary>
internal static class JinjaCollectionMethods
{
    public static IJinjaCallable? Find(JinjaDictionary dictionary, string name) => name switch
    {
        "items" => new JinjaFunction((_, a) => View(a, name, dictionary.Entries.Select(e => (object?)new JinjaTuple([e.Key, e.Value])))),
        "keys" => new JinjaFunction((_, a) => View(a, name, dictionary.Keys)),
        "values" => new JinjaFunction((_, a) => View(a, name, dictionary.Values)),
        "get" => new JinjaFunction((_, a) =>
        {
            object?[] values = a.Bind(name, ("key", JinjaArguments.Required), ("default", null));
            return dictionary.TryGet(values[0], out object? value) ? value : values[1];
        }),
        "copy" => new JinjaFunction((context, a) =>
        {
            a.Bind(name);
            var copy = new JinjaDictionary(context.Budget);
            context.Budget.Reserve(dictionary.Count);
            foreach ((object? key, object? value) in dictionary.Entries) copy[key] = value;
            return copy;
        }),
        _ => null,
    };

    public static IJinjaCallable? Find(IReadOnlyList<object?> items, string name) => name switch
    {
        "count" => new JinjaFunction((context, a) =>
        {
            object? wanted = a.Bind(name, ("value", JinjaArguments.Required))[0];
            return (long)items.Count(i => context.Equality.Equals(i, wanted));
        }),
        "index" => new JinjaFunction((context, a) =>
        {
            object? wanted = a.Bind(name, ("value", JinjaArguments.Required))[0];
            for (int i = 0; i < items.Count; i++)
            {
                if (context.Equality.Equals(items[i], wanted)) return (long)i;
            }
            throw new JinjaError(JinjaError.Value, $"{JinjaText.Repr(wanted, context.Budget)} is not in list");
        }),
        "copy" when items is List<object?> => new JinjaFunction((context, a) =>
        {
            a.Bind(name);
            context.Budget.Reserve(items.Count);
            return new List<object?>(items);
        }),
        _ => null,
    };

    private static JinjaView View(JinjaArguments arguments, string name, IEnumerable<object?> items)
    {
        arguments.Bind(name);
        return new JinjaView("dict_" + name, [.. items]);
    }
}
