namespace Microsoft.ML.MetaMorph;

/// <summary>All filters by name; what they do stands in the files for texts, numbers and sequences.</summary>
internal static class JinjaFilters
{
    public delegate object? Filter(object? value, JinjaArguments arguments, JinjaContext context);

    private static readonly Dictionary<string, Filter> All = new(JinjaTextFilters.All.Concat(JinjaNumberFilters.All).Concat(JinjaSequenceFilters.All).Concat(JinjaSelectionFilters.All));

    public static bool Exists(string name) => All.ContainsKey(name);

    public static object? Apply(string name, object? value, JinjaArguments arguments, JinjaContext context)
    {
        if (!All.TryGetValue(name, out Filter? filter)) throw new JinjaError("TemplateAssertionError", $"No filter named '{name}'.");
        context.Budget.Work(value, arguments);
        object? result = filter(value, arguments, context);
        return result is string text ? context.Budget.Count(text) : result;
    }
}
