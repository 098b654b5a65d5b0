namespace Microsoft.ML.MetaMorph;

/// <summary><c>{% if %}…{% elif %}…{% else %}</c>; no block of its own for variables.</summary>
internal sealed class JinjaIf(IReadOnlyList<(JinjaExpression Condition, IReadOnlyList<JinjaStatement> Body)> branches, IReadOnlyList<JinjaStatement> otherwise, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Execute(JinjaContext context)
    {
        foreach ((JinjaExpression condition, IReadOnlyList<JinjaStatement> body) in branches)
        {
            if (JinjaType.IsTrue(condition.Evaluate(context))) return Run(body, context);
        }
        return Run(otherwise, context);
    }
}

/// <summary><c>{% break %}</c>, <c>{% continue %}</c></summary>
internal sealed class JinjaJump(JinjaFlow flow, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Execute(JinjaContext context) => flow;
}

/// <summary><c>{% with a = 1 %}</c>, and <c>{% generation %}</c>, which only marks: a block of its own for variables.</summary>
internal sealed class JinjaBlock(IReadOnlyList<(JinjaTarget Target, JinjaExpression Value)> variables, IReadOnlyList<JinjaStatement> body, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Execute(JinjaContext context)
    {
        object?[] values = [.. variables.Select(v => v.Value.Evaluate(context))];
        return context.InScope(_ =>
        {
            for (int i = 0; i < values.Length; i++) variables[i].Target.Assign(values[i], context);
            return Run(body, context);
        });
    }
}
