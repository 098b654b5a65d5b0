namespace Microsoft.ML.MetaMorph;

/// <summary>What a statement asks of the loop around it.</summary>
internal enum JinjaFlow
{
    Next,
    Break,
    Continue,
}

/// <summary>A part of a template that does something.</summary>
internal abstract class JinjaStatement(int line)
{
    public int Line { get; } = line;

    public JinjaFlow Run(JinjaContext context)
    {
        context.Budget.Step();
        try
        {
            return Execute(context);
        }
        catch (JinjaError error) when (error.Line == 0)
        {
            throw error.AtLine(Line);
        }
    }

    public static JinjaFlow Run(IReadOnlyList<JinjaStatement> body, JinjaContext context)
    {
        foreach (JinjaStatement statement in body)
        {
            JinjaFlow flow = statement.Run(context);
            if (flow != JinjaFlow.Next) return flow;
        }
        return JinjaFlow.Next;
    }

    protected abstract JinjaFlow Execute(JinjaContext context);
}
