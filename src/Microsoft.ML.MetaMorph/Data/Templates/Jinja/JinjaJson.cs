using System.Globalization;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>The filter <c>tojson</c> as <c>transformers</c> sets it: Python's <c>json.dumps</c> with non-ASCII characters kept.</summary>
internal sealed class JinjaJson
{
    private readonly StringBuilder _result = new();
    private readonly JinjaBudget _budget;
    private readonly bool _ascii;
    private readonly bool _sorted;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;

    private JinjaJson(JinjaBudget budget, object?[] values)
    {
        _budget = budget;
        _ascii = JinjaType.IsTrue(values[0]);
        _indent = Indention(values[1]);
        _sorted = JinjaType.IsTrue(values[3]);
        (_itemSeparator, _keySeparator) = Separators(values[2]);
    }

    public static object? Filter(object? value, JinjaArguments arguments, JinjaContext context)
    {
        var writer = new JinjaJson(context.Budget, arguments.Bind("tojson", ("ensure_ascii", false), ("indent", null), ("separators", null), ("sort_keys", false)));
        writer.Write(value, 0);
        return writer._result.ToString();
    }

    private static string? Indention(object? value)
    {
        if (value is null or string) return (string?)value;
        return new string(' ', (int)Math.Clamp(JinjaType.ToInteger(value, "indent"), 0, 100));
    }

    private (string Item, string Key) Separators(object? value)
    {
        if (value is null) return (_indent is null ? ", " : ",", ": ");
        object?[] pair = [.. JinjaType.Iterate(value)];
        if (pair.Length != 2) throw new JinjaError(JinjaError.Value, "separators must be a pair");
        return (JinjaType.ToText(pair[0], "a separator"), JinjaType.ToText(pair[1], "a separator"));
    }

    private void Write(object? value, int depth)
    {
        _budget.Step();
        switch (value)
        {
            case null or bool or long or double: _result.Append(Scalar(value)); break;
            case string text: WriteText(text); break;
            case List<object?> list: WriteItems(list, depth); break;
            case JinjaTuple tuple: WriteItems(tuple.Items, depth); break;
            case JinjaDictionary dictionary: WriteDictionary(dictionary, depth); break;
            default: throw JinjaError.OfType($"Object of type {JinjaType.Name(value)} is not JSON serializable");
        }
        if (_result.Length > JinjaBudget.MaximumLength) _budget.Reserve(_result.Length);
    }

    private static string Scalar(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double.NaN => "NaN",
        double.PositiveInfinity => "Infinity",
        double.NegativeInfinity => "-Infinity",
        _ => JinjaText.Float((double)value),
    };

    private void WriteItems(IReadOnlyList<object?> items, int depth)
    {
        _result.Append('[');
        for (int i = 0; i < items.Count; i++)
        {
            Separate(i, depth + 1);
            Write(items[i], depth + 1);
        }
        Close(items.Count, depth, ']');
    }

    private void WriteDictionary(JinjaDictionary dictionary, int depth)
    {
        IEnumerable<(string Key, object? Value)> entries = dictionary.Entries.Select(e => (Key(e.Key), e.Value));
        if (_sorted) entries = entries.OrderBy(e => e.Key, Comparer<string>.Create(JinjaCompare.CompareText));
        _result.Append('{');
        int count = 0;
        foreach ((string key, object? value) in entries)
        {
            Separate(count++, depth + 1);
            WriteText(key);
            _result.Append(_keySeparator);
            Write(value, depth + 1);
        }
        Close(count, depth, '}');
    }

    private static string Key(object? key) => key switch
    {
        string text => text,
        null or bool or long or double => Scalar(key),
        _ => throw JinjaError.OfType($"keys must be str, int, float, bool or None, not {JinjaType.Name(key)}"),
    };

    private void Separate(int index, int depth)
    {
        if (index > 0) _result.Append(_itemSeparator);
        if (_indent is not null) NewLine(depth);
    }

    private void Close(int count, int depth, char bracket)
    {
        if (count > 0 && _indent is not null) NewLine(depth);
        _result.Append(bracket);
    }

    private void NewLine(int depth)
    {
        _budget.Reserve((long)depth * _indent!.Length + 1);
        _result.Append('\n').Insert(_result.Length, _indent, depth);
    }

    private void WriteText(string text)
    {
        _budget.Reserve(text.Length);
        _result.Append('"');
        foreach (char c in text)
        {
            switch (c)
            {
                case '"': _result.Append("\\\""); break;
                case '\\': _result.Append("\\\\"); break;
                case '\n': _result.Append("\\n"); break;
                case '\r': _result.Append("\\r"); break;
                case '\t': _result.Append("\\t"); break;
                case '\b': _result.Append("\\b"); break;
                case '\f': _result.Append("\\f"); break;
                default:
                    if (c < ' ' || _ascii && c > '~') _result.Append($"\\u{(int)c:x4}");
                    else _result.Append(c);
                    break;
            }
        }
        _result.Append('"');
    }
}
