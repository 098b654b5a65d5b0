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
        List<object?> items = Filter(value, context, outer);
        var loop = new JinjaLoop(items, depth, isRecursive ? (next, level) => context.Capture(() => Loop(next, level, context, outer)) : null);
        for (int i = 0; i < items.Count; i++)
        {
            loop.Index = i;
            if (Round(items[i], loop, context, outer) == JinjaFlow.Break) break;
        }
        if (items.Count == 0) context.InScope(outer, _ => Run(otherwise, context));
    }

    private JinjaFlow Round(object? item, JinjaLoop loop, JinjaContext context, JinjaScope outer) => context.InScope(outer, scope =>
    {
        scope.Set("loop", loop);
        target.Assign(item, context);
        return Run(body, context);
    });

    private List<object?> Filter(object? value, JinjaContext context, JinjaScope outer)
    {
        List<object?> items = JinjaSequenceFilters.List(value, context);
        if (condition is null) return items;
        return items.FindAll(item => context.InScope(outer, _ =>
        {
            target.Assign(item, context);
            return JinjaType.IsTrue(condition.Evaluate(context));
        }));
    }
}
