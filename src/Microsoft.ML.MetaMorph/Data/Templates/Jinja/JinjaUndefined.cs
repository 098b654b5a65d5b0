namespace Microsoft.ML.MetaMorph;

/// <summary>What a missing name or attribute gives: prints as nothing, is false and empty, and fails when anything else is asked of it.</summary>
internal sealed class JinjaUndefined(Func<string> message, string kind = JinjaError.Undefined)
{
    public JinjaUndefined(string message)
        : this(() => message)
    {
    }

    public JinjaError Error() => new(kind, message());

    public static JinjaUndefined Name(string name) => new(() => $"'{name}' is undefined");

    public static JinjaUndefined Attribute(object? owner, string name) => new(() => $"'{Owner(owner)}' has no attribute '{name}'");

    public static JinjaUndefined Element(object? owner, object? key) => new(() => $"{Owner(owner)} has no element {JinjaText.Repr(key, new JinjaBudget())}");

    public static JinjaUndefined Unsafe(object? owner, string name) => new(() => $"access to attribute '{name}' of '{JinjaType.Name(owner)}' object is unsafe.", JinjaError.Security);

    private static string Owner(object? owner) => owner is null ? "None" : $"{JinjaType.Name(owner)} object";
}
