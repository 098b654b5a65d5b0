namespace Microsoft.ML.MetaMorph;

/// <summary>What can stand after <c>is</c>.</summary>
internal static class JinjaTests
{
    private static readonly Dictionary<string, Func<object?, bool>> Plain = new()
    {
        ["defined"] = v => v is not JinjaUndefined,
        ["undefined"] = v => v is JinjaUndefined,
        ["none"] = v => v is null,
        ["boolean"] = v => v is bool,
        ["true"] = v => v is true,
        ["false"] = v => v is false,
        ["integer"] = v => v is long,
        ["float"] = v => v is double,
        ["number"] = JinjaType.IsNumber,
        ["string"] = v => v is string,
        ["mapping"] = v => v is JinjaDictionary,
        ["sequence"] = v => v is string or List<object?> or JinjaTuple or JinjaDictionary or JinjaRange or JinjaUndefined,
        ["iterable"] = JinjaType.IsIterable,
        ["callable"] = v => v is IJinjaCallable or JinjaUndefined,
        ["escaped"] = _ => false,
        ["even"] = v => JinjaType.ToInteger(v, "the operand of 'even'") % 2 == 0,
        ["odd"] = v => JinjaType.ToInteger(v, "the operand of 'odd'") % 2 != 0,
        ["lower"] = v => v is string s && s.Any(char.IsLower) && !s.Any(char.IsUpper),
        ["upper"] = v => v is string s && s.Any(char.IsUpper) && !s.Any(char.IsLower),
        ["filter"] = v => v is string name && JinjaFilters.Exists(name),
        ["test"] = v => v is string name && Exists(name),
    };

    private static readonly Dictionary<string, string> Comparisons = new()
    {
        ["eq"] = "==",
        ["equalto"] = "==",
        ["=="] = "==",
        ["ne"] = "!=",
        ["!="] = "!=",
        ["lt"] = "<",
        ["lessthan"] = "<",
        ["<"] = "<",
        ["le"] = "<=",
        ["<="] = "<=",
        ["gt"] = ">",
        ["greaterthan"] = ">",
        [">"] = ">",
        ["ge"] = ">=",
        [">="] = ">=",
        ["in"] = "in",
    };

    public static bool Exists(string name) => Plain.ContainsKey(name) || Comparisons.ContainsKey(name) || name is "divisibleby" or "sameas";

    public static bool Holds(string name, object? value, JinjaArguments arguments, JinjaContext context)
    {
        context.Budget.Work(value, arguments);
        if (Plain.TryGetValue(name, out Func<object?, bool>? test))
        {
            arguments.Bind(name);
            return test(value);
        }
        if (!Exists(name)) throw new JinjaError("TemplateAssertionError", $"No test named '{name}'.");
        object? other = arguments.Bind(name, ("other", JinjaArguments.Required))[0];
        if (Comparisons.TryGetValue(name, out string? symbol)) return JinjaCompare.Holds(symbol, value, other, context);
        if (name == "sameas") return ReferenceEquals(value, other) || value is null or bool or long or string && JinjaType.Name(value) == JinjaType.Name(other) && context.Equality.Equals(value, other);
        long divisor = JinjaType.ToInteger(other, "a divisor");
        if (divisor == 0) throw new JinjaError("ZeroDivisionError", "integer modulo by zero");
        return divisor == -1 || JinjaType.ToInteger(value, "the operand of 'divisibleby'") % divisor == 0;
    }
}
