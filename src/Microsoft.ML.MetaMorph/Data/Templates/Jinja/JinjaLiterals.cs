namespace Microsoft.ML.MetaMorph;

/// <summary>A constant.</summary>
internal sealed class JinjaConstant(object? value, int line) : JinjaExpression(line)
{
    public object? Value => value;

    protected override object? Compute(JinjaContext context) => value;
}

/// <summary><c>[a, b]</c></summary>
internal sealed class JinjaListLiteral(IReadOnlyList<JinjaExpression> items, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context)
    {
        context.Budget.Reserve(items.Count);
        return items.Select(i => i.Evaluate(context)).ToList();
    }
}

/// <summary><c>(a, b)</c></summary>
internal sealed class JinjaTupleLiteral(IReadOnlyList<JinjaExpression> items, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context) => new JinjaTuple([.. items.Select(i => i.Evaluate(context))]);
}

/// <summary><c>{a: b}</c></summary>
internal sealed class JinjaDictionaryLiteral(IReadOnlyList<(JinjaExpression Key, JinjaExpression Value)> entries, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context)
    {
        context.Budget.Reserve(entries.Count);
        var result = new JinjaDictionary(context.Budget);
        foreach ((JinjaExpression key, JinjaExpression value) in entries) result[key.Evaluate(context)] = value.Evaluate(context);
        return result;
    }
}

/// <summary>A variable.</summary>
internal sealed class JinjaName(string name, int line) : JinjaExpression(line)
{
    public string Name => name;

    protected override object? Compute(JinjaContext context) => context.Lookup(name);
}
