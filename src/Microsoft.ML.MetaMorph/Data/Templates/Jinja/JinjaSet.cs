namespace Microsoft.ML.MetaMorph;

/// <summary><c>{% set a = b %}</c></summary>
internal sealed class JinjaSet(JinjaTarget target, JinjaExpression value, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Execute(JinjaContext context)
    {
        target.Assign(value.Evaluate(context), context);
        return JinjaFlow.Next;
    }
}

/// <summary>Text that a block writes, put through filters: <c>{% set a %}…{% endset %}</c> gives it to a variable, <c>{% filter f %}…{% endfilter %}</c> writes it.</summary>
internal sealed class JinjaCapture(JinjaTarget? target, IReadOnlyList<(string Name, JinjaArgumentList Arguments)> filters, IReadOnlyList<JinjaStatement> body, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Execute(JinjaContext context)
    {
        object? value = context.InScope(_ => context.Capture(() => Run(body, context)));
        foreach ((string name, JinjaArgumentList arguments) in filters) value = JinjaFilters.Apply(name, value, arguments.Evaluate(context), context);
        if (target is null) context.Write(context.Text(value));
        else target.Assign(value, context);
        return JinjaFlow.Next;
    }
}
