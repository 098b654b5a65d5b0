namespace Microsoft.ML.MetaMorph;

/// <summary>The arguments as they stand in the source.</summary>
internal sealed record JinjaArgumentList(
    IReadOnlyList<JinjaExpression> Positional,
    IReadOnlyList<(string Name, JinjaExpression Value)> Named,
    JinjaExpression? Star,
    JinjaExpression? StarStar)
{
    public static readonly JinjaArgumentList Empty = new([], [], null, null);

    public JinjaArguments Evaluate(JinjaContext context)
    {
        List<object?> positional = [.. Positional.Select(p => p.Evaluate(context))];
        if (Star is not null) positional.AddRange(JinjaSequenceFilters.List(Star.Evaluate(context), context));
        var named = new Dictionary<string, object?>();
        foreach ((string name, JinjaExpression value) in Named) named[name] = value.Evaluate(context);
        if (StarStar?.Evaluate(context) is { } extra) Add(named, extra);
        return positional.Count == 0 && named.Count == 0 ? JinjaArguments.Empty : new JinjaArguments(positional, named);
    }

    private static void Add(Dictionary<string, object?> named, object extra)
    {
        if (extra is not JinjaDictionary dictionary) throw JinjaError.OfType($"argument after ** must be a mapping, not {JinjaType.Name(extra)}");
        foreach ((object? key, object? value) in dictionary.Entries) named[JinjaType.ToText(key, "a keyword")] = value;
    }
}

/// <summary><c>f(a, b=c)</c></summary>
internal sealed class JinjaCall(JinjaExpression callee, JinjaArgumentList arguments, int line) : JinjaExpression(line)
{
    public object? Call(JinjaContext context, IJinjaCallable? caller)
    {
        object? function = callee.Evaluate(context);
        if (function is JinjaUndefined undefined) throw undefined.Error();
        if (function is not IJinjaCallable callable) throw JinjaError.OfType($"'{JinjaType.Name(function)}' object is not callable");
        JinjaArguments given = arguments.Evaluate(context);
        if (caller is not null) given = new JinjaArguments(given.Positional, new Dictionary<string, object?>(given.Named) { ["caller"] = caller });
        context.Budget.Work(null, given);
        object? result = callable.Call(context, given);
        return result is string text ? context.Budget.Count(text) : result;
    }

    protected override object? Compute(JinjaContext context) => Call(context, null);
}

/// <summary><c>value | filter(a)</c></summary>
internal sealed class JinjaFilter(JinjaExpression value, string name, JinjaArgumentList arguments, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context) => JinjaFilters.Apply(name, value.Evaluate(context), arguments.Evaluate(context), context);
}

/// <summary><c>value is test(a)</c></summary>
internal sealed class JinjaTest(JinjaExpression value, string name, JinjaArgumentList arguments, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context) => JinjaTests.Holds(name, value.Evaluate(context), arguments.Evaluate(context), context);
}
