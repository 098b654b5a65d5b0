using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>Python's two ways to put values into a text: <c>'%s' % x</c> and <c>'{}'.format(x)</c>.</summary>
internal static partial class JinjaFormat
{
    private const int MaximumWidth = 1000;

    public static string Percent(string format, object? argument, JinjaContext context)
    {
        IReadOnlyList<object?> values = argument is JinjaTuple tuple ? tuple.Items : [argument];
        context.Budget.Work(format.Length);
        var result = new StringBuilder();
        int next = 0, from = 0;
        for (int at = format.IndexOf('%'); at >= 0; at = format.IndexOf('%', from))
        {
            Match match = Directive().Match(format, at);
            if (!match.Success) throw new JinjaError(JinjaError.Value, $"the format at index {at} is incomplete or not supported");
            result.Append(format, from, at - from).Append(Put(match));
            from = at + match.Length;
        }
        if (next < values.Count && argument is not (JinjaDictionary or List<object?>)) throw JinjaError.OfType("not all arguments converted during string formatting");
        return context.Budget.Count(result.Append(format, from, format.Length - from).ToString());

        string Put(Match match)
        {
            char kind = match.Groups["kind"].Value[0];
            if (kind == '%') return "%";
            object? value = match.Groups["name"].Success ? Named(argument, match.Groups["name"].Value)
                : next < values.Count ? values[next++] : throw JinjaError.OfType("not enough arguments for format string");
            return context.Budget.Count(Pad(Convert(kind, value, match.Groups["precision"], context), match));
        }
    }

    public static string Braces(string format, JinjaArguments arguments, JinjaContext context)
    {
        int next = 0;
        string result = Field().Replace(format, match =>
        {
            if (match.Value is "{{" or "}}") return match.Value[..1];
            string name = match.Groups["name"].Value;
            if (!match.Groups["name"].Success) throw new JinjaError(JinjaError.Value, $"'{match.Value}' in a format string is not supported");
            object? value = name.Length == 0 ? At(next++) : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? At(index)
                : arguments.Named.TryGetValue(name, out object? named) ? named : throw new JinjaError("KeyError", $"'{name}'");
            return context.Budget.Count(context.Text(value));
        });
        return context.Budget.Count(result);

        object? At(int index) => index < arguments.Positional.Count ? arguments.Positional[index] : throw new JinjaError("IndexError", "Replacement index out of range for positional args tuple");
    }

    private static object? Named(object? argument, string name) =>
        argument is JinjaDictionary dictionary && dictionary.TryGet(name, out object? value) ? value : throw new JinjaError("KeyError", $"'{name}'");

    private static string Convert(char kind, object? value, Group precision, JinjaContext context)
    {
        int digits = precision.Success ? Bounded(precision.Value) : 6;
        switch (kind)
        {
            case 's':
                string text = context.Text(value);
                return precision.Success && text.Length > digits ? text[..digits] : text;
            case 'r': return JinjaText.Repr(value, context.Budget);
            case 'd' or 'i': return (value is double number ? (long)number : JinjaType.ToInteger(value, "%d format: a number")).ToString(CultureInfo.InvariantCulture);
            case 'x': return JinjaType.ToInteger(value, "%x format: a number").ToString("x", CultureInfo.InvariantCulture);
            case 'f' or 'F': return JinjaType.ToDouble(value).ToString("F" + digits, CultureInfo.InvariantCulture);
            default: throw new JinjaError(JinjaError.Value, $"the format '%{kind}' is not supported");
        }
    }

    private static string Pad(string text, Match match)
    {
        if (match.Groups["flags"].Value.Contains('+') && !text.StartsWith('-')) text = "+" + text;
        if (match.Groups["width"].Length == 0) return text;
        int width = Bounded(match.Groups["width"].Value);
        if (match.Groups["flags"].Value.Contains('-')) return text.PadRight(width);
        if (!match.Groups["flags"].Value.Contains('0')) return text.PadLeft(width);
        string sign = text is ['+' or '-', ..] ? text[..1] : "";
        return sign + text[sign.Length..].PadLeft(width - sign.Length, '0');
    }

    private static int Bounded(string number) => int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value <= MaximumWidth
        ? value
        : throw new JinjaError(JinjaError.Limit, $"a format asks for a width of {number}; {MaximumWidth} is allowed");

    [GeneratedRegex(@"\G%(?:\((?<name>[^)]*)\))?(?<flags>[-+ #0]*)(?<width>\d*)(?:\.(?<precision>\d+))?(?<kind>[a-zA-Z%])", RegexOptions.CultureInvariant)]
    private static partial Regex Directive();

    [GeneratedRegex(@"\{\{|\}\}|\{(?<name>\w*)\}|[{}]", RegexOptions.CultureInvariant)]
    private static partial Regex Field();
}
