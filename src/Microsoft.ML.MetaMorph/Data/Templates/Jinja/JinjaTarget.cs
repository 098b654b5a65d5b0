namespace Microsoft.ML.MetaMorph;

/// <summary>What a value can be given to.</summary>
internal abstract class JinjaTarget
{
    public abstract void Assign(object? value, JinjaContext context);
}

/// <summary>A variable.</summary>
internal sealed class JinjaNameTarget(string name) : JinjaTarget
{
    public override void Assign(object? value, JinjaContext context) => context.Scope.Set(name, value);
}

/// <summary>An attribute of a namespace.</summary>
internal sealed class JinjaAttributeTarget(string owner, string attribute) : JinjaTarget
{
    public override void Assign(object? value, JinjaContext context)
    {
        if (context.Lookup(owner) is not JinjaNamespace space) throw new JinjaError(JinjaError.Runtime, "cannot assign attribute on non-namespace object");
        space.Attributes[attribute] = value;
    }
}

/// <summary>Several at once.</summary>
internal sealed class JinjaTupleTarget(IReadOnlyList<JinjaTarget> targets) : JinjaTarget
{
    public override void Assign(object? value, JinjaContext context)
    {
        if (value is JinjaUndefined undefined) throw undefined.Error();
        object?[] values = [.. JinjaType.Iterate(value)];
        if (values.Length != targets.Count) throw new JinjaError(JinjaError.Value, $"{(values.Length < targets.Count ? "not enough" : "too many")} values to unpack (expected {targets.Count}, got {values.Length})");
        for (int i = 0; i < values.Length; i++) targets[i].Assign(values[i], context);
    }
}
