namespace Microsoft.ML.MetaMorph;

/// <summary>Python's names and notions of the values that templates handle.</summary>
internal static class JinjaType
{
    public static string Name(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        long => "int",
        double => "float",
        string => "str",
        List<object?> => "list",
        JinjaTuple => "tuple",
        JinjaDictionary => "dict",
        JinjaRange => "range",
        JinjaUndefined => "Undefined",
        JinjaNamespace => "Namespace",
        JinjaLoop => "LoopContext",
        JinjaMacro => "Macro",
        JinjaView view => view.Name,
        JinjaIterator => "generator",
        _ => "function",
    };

    /// <summary>Python's truth: nothing, zero and empty are false.</summary>
    public static bool IsTrue(object? value) => value switch
    {
        null or JinjaUndefined => false,
        bool flag => flag,
        long number => number != 0,
        double number => number != 0,
        string text => text.Length > 0,
        List<object?> list => list.Count > 0,
        JinjaTuple tuple => tuple.Items.Count > 0,
        JinjaDictionary dictionary => dictionary.Count > 0,
        JinjaRange range => range.Count > 0,
        JinjaView view => view.Items.Count > 0,
        _ => true,
    };

    public static bool IsNumber(object? value) => value is long or double or bool;

    public static double ToDouble(object? value) => value switch
    {
        bool flag => flag ? 1 : 0,
        long number => number,
        double number => number,
        JinjaUndefined undefined => throw undefined.Error(),
        _ => throw JinjaError.OfType($"must be a number, not {Name(value)}"),
    };

    public static long ToInteger(object? value, string what) => value switch
    {
        bool flag => flag ? 1 : 0,
        long number => number,
        JinjaUndefined undefined => throw undefined.Error(),
        _ => throw JinjaError.OfType($"{what} must be an integer, not {Name(value)}"),
    };

    public static string ToText(object? value, string what) => value switch
    {
        string text => text,
        JinjaUndefined undefined => throw undefined.Error(),
        _ => throw JinjaError.OfType($"{what} must be a string, not {Name(value)}"),
    };

    /// <summary>The value's elements one by one.</summary>
    public static IEnumerable<object?> Iterate(object? value) => value switch
    {
        List<object?> list => list,
        JinjaTuple tuple => tuple.Items,
        JinjaDictionary dictionary => dictionary.Keys,
        string text => JinjaString.Characters(text),
        JinjaRange range => range.Items,
        JinjaView view => view.Items,
        JinjaIterator iterator => iterator.Rest(),
        JinjaUndefined => [],
        _ => throw JinjaError.OfType($"'{Name(value)}' object is not iterable"),
    };

    public static bool IsIterable(object? value) => value is List<object?> or JinjaTuple or JinjaDictionary or string or JinjaRange or JinjaView or JinjaIterator or JinjaUndefined;

    public static long Length(object? value) => value switch
    {
        string text => JinjaString.Length(text),
        List<object?> list => list.Count,
        JinjaTuple tuple => tuple.Items.Count,
        JinjaDictionary dictionary => dictionary.Count,
        JinjaRange range => range.Count,
        JinjaView view => view.Items.Count,
        JinjaLoop loop => loop.Length,
        JinjaUndefined => 0,
        _ => throw JinjaError.OfType($"object of type '{Name(value)}' has no len()"),
    };
}
