namespace Microsoft.ML.MetaMorph;

/// <summary>The functions that every template has.</summary>
internal static class JinjaGlobals
{
    public static JinjaScope Create()
    {
        var scope = new JinjaScope(null);
        scope.Set("raise_exception", new JinjaFunction(Raise));
        scope.Set("strftime_now", new JinjaFunction((context, arguments) => JinjaClock.Format(context.Clock(), JinjaType.ToText(arguments.Bind("strftime_now", ("format", JinjaArguments.Required))[0], "the format"))));
        scope.Set("range", new JinjaFunction((_, arguments) => Range(arguments)));
        scope.Set("namespace", new JinjaFunction((context, arguments) => new JinjaNamespace(Dictionary(context, arguments))));
        scope.Set("dict", new JinjaFunction(Dictionary));
        return scope;
    }

    private static object? Raise(JinjaContext context, JinjaArguments arguments) =>
        throw new JinjaError(JinjaError.Template, context.Text(arguments.Bind("raise_exception", ("message", JinjaArguments.Required))[0]));

    private static JinjaRange Range(JinjaArguments arguments)
    {
        long[] numbers = [.. arguments.Positional.Select(n => JinjaType.ToInteger(n, "an argument of range()"))];
        JinjaRange range = numbers.Length switch
        {
            1 => new JinjaRange(0, numbers[0], 1),
            2 => new JinjaRange(numbers[0], numbers[1], 1),
            3 when numbers[2] != 0 => new JinjaRange(numbers[0], numbers[1], numbers[2]),
            3 => throw new JinjaError(JinjaError.Value, "range() arg 3 must not be zero"),
            _ => throw JinjaError.OfType($"range() takes 1 to 3 arguments, {numbers.Length} were given"),
        };
        if (range.Count > JinjaBudget.MaximumRange) throw new JinjaError("OverflowError", $"Range too big. The sandbox blocks ranges larger than MAX_RANGE={JinjaBudget.MaximumRange}.");
        return range;
    }

    private static JinjaDictionary Dictionary(JinjaContext context, JinjaArguments arguments)
    {
        var result = new JinjaDictionary(context.Budget);
        foreach (object? source in arguments.Positional) AddEntries(result, source);
        foreach ((string name, object? value) in arguments.Named) result[name] = value;
        return result;
    }

    private static void AddEntries(JinjaDictionary result, object? source)
    {
        if (source is JinjaDictionary other)
        {
            foreach ((object? key, object? value) in other.Entries) result[key] = value;
            return;
        }
        foreach (object? pair in JinjaType.Iterate(source))
        {
            object?[] parts = [.. JinjaType.Iterate(pair)];
            if (parts.Length != 2) throw new JinjaError(JinjaError.Value, $"a dictionary element has length {parts.Length}; 2 is required");
            result[parts[0]] = parts[1];
        }
    }
}
