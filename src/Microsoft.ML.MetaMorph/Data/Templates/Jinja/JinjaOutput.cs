namespace Microsoft.ML.MetaMorph;

/// <summary>Text that stands in the template as it is.</summary>
internal sealed class JinjaData(string text, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Execute(JinjaContext context)
    {
        context.Write(text);
        return JinjaFlow.Next;
    }
}

/// <summary><c>{{ expression }}</c></summary>
internal sealed class JinjaPrint(JinjaExpression value, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Execute(JinjaContext context)
    {
        context.Write(context.Text(value.Evaluate(context)));
        return JinjaFlow.Next;
    }
}
