namespace Microsoft.ML.MetaMorph;

/// <summary><c>{% for a in b if c %}…{% else %}</c>; every round has a block of its own for variables.</summary>
internal sealed class JinjaFor(JinjaTarget target, JinjaExpression source, JinjaExpression? condition, IReadOnlyList<JinjaStatement> body, IReadOnlyList<JinjaStatement> otherwise, bool isRecursive, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Execute(JinjaContext context)
    {
        Loop(source.Evaluate(context), 0, context, context.Scope);
        return JinjaFlow.Next;
    }

    private void Loop(object? value, int depth, JinjaContext context, JinjaScope outer)
    {
        var loop = new JinjaLoop(Filter(value, context, outer), depth, isRecursive ? (next, level) => context.Capture(() => Loop(next, level, context, outer)) : null);
        for (int i = 0; loop.Has(i); i++)
        {
            loop.Index = i;
            if (Round(loop, context, outer) == JinjaFlow.Break) break;
        }
        if (!loop.Has(0)) context.InScope(outer, _ => Run(otherwise, context));
    }

    private JinjaFlow Round(JinjaLoop loop, JinjaContext context, JinjaScope outer) => context.InScope(outer, scope =>
    {
        context.Budget.Step();
        scope.Set("loop", loop);
        target.Assign(loop.Item, context);
        return Run(body, context);
    });

    private IEnumerable<object?> Filter(object? value, JinjaContext context, JinjaScope outer)
    {
        IEnumerable<object?> items = JinjaType.Iterate(value);
        if (condition is null) return items;
        return items.Where(item => context.InScope(outer, _ =>
        {
            target.Assign(item, context);
            return JinjaType.IsTrue(condition.Evaluate(context));
        }));
    }
}
