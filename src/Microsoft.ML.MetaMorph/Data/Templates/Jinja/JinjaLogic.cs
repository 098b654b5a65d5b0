namespace Microsoft.ML.MetaMorph;

/// <summary><c>a and b</c>, <c>a or b</c>: the operand that decides, as it is.</summary>
internal sealed class JinjaAndOr(bool isAnd, JinjaExpression left, JinjaExpression right, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context)
    {
        object? value = left.Evaluate(context);
        return JinjaType.IsTrue(value) == isAnd ? right.Evaluate(context) : value;
    }
}

/// <summary><c>not a</c></summary>
internal sealed class JinjaNot(JinjaExpression operand, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context) => !JinjaType.IsTrue(operand.Evaluate(context));
}

/// <summary><c>a if condition else b</c></summary>
internal sealed class JinjaConditional(JinjaExpression condition, JinjaExpression whenTrue, JinjaExpression? whenFalse, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context)
    {
        if (JinjaType.IsTrue(condition.Evaluate(context))) return whenTrue.Evaluate(context);
        return whenFalse is null ? new JinjaUndefined("the inline if-expression evaluated to false and no else section was defined.") : whenFalse.Evaluate(context);
    }
}

/// <summary><c>a &lt; b &lt;= c</c>, <c>a in b</c></summary>
internal sealed class JinjaComparison(JinjaExpression first, IReadOnlyList<(string Operator, JinjaExpression Operand)> rest, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context)
    {
        object? left = first.Evaluate(context);
        foreach ((string symbol, JinjaExpression operand) in rest)
        {
            object? right = operand.Evaluate(context);
            if (!JinjaCompare.Holds(symbol, left, right, context)) return false;
            left = right;
        }
        return true;
    }
}
