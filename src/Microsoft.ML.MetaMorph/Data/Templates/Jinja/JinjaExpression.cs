namespace Microsoft.ML.MetaMorph;

/// <summary>A part of a template that has a value.</summary>
internal abstract class JinjaExpression(int line)
{
    public int Line { get; } = line;

    public object? Evaluate(JinjaContext context)
    {
        context.Budget.Step();
        try
        {
            return Compute(context);
        }
        catch (JinjaError error) when (error.Line == 0)
        {
            throw error.AtLine(Line);
        }
    }

    protected abstract object? Compute(JinjaContext context);
}
