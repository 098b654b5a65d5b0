namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A parsed Jinja template, rendered as <c>transformers</c> renders chat templates: sandboxed, no escaping, <c>raise_exception</c>, <c>strftime_now</c> and <c>tojson</c> of its own.
/// Immutable and thread-safe.
/// </summary>
internal sealed class JinjaTemplate
{
    private readonly IReadOnlyList<JinjaStatement> _body;

    private JinjaTemplate(IReadOnlyList<JinjaStatement> body) => _body = body;

    /// <exception cref="JinjaError">The template is not well formed.</exception>
    public static JinjaTemplate Parse(string source)
    {
        if (source.Length > JinjaBudget.MaximumSource) throw new JinjaError(JinjaError.Limit, $"the template has {source.Length:N0} characters; {JinjaBudget.MaximumSource:N0} are allowed");
        return new JinjaTemplate(JinjaParser.Parse(source));
    }

    /// <param name="variables">Names and values, made by <see cref="JinjaValue"/>.</param>
    /// <param name="clock">What <c>strftime_now</c> tells; null for the local time.</param>
    /// <exception cref="JinjaError">The template raises an error or uses up its budget.</exception>
    public string Render(IReadOnlyDictionary<string, object?> variables, Func<DateTime>? clock = null)
    {
        var context = new JinjaContext(clock ?? (() => DateTime.Now), new JinjaBudget());
        foreach ((string name, object? value) in variables) context.Scope.Set(name, value);
        JinjaStatement.Run(_body, context);
        return context.TakeOutput();
    }
}
