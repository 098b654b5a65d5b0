using System.Globalization;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Prints values as Python's <c>str</c> and <c>repr</c> do.</summary>
internal static class JinjaText
{
    public static string Str(object? value, JinjaBudget budget) => value switch
    {
        string text => text,
        JinjaUndefined => "",
        _ => Repr(value, budget),
    };

    public static string Repr(object? value, JinjaBudget budget)
    {
        var result = new StringBuilder();
        Append(value, result, budget);
        return result.ToString();
    }

    /// <summary>The shortest digits that give the number back, in Python's layout.</summary>
    public static string Float(double value)
    {
        if (double.IsNaN(value)) return "nan";
        if (double.IsInfinity(value)) return value > 0 ? "inf" : "-inf";
        string sign = double.IsNegative(value) ? "-" : "";
        (string digits, int exponent) = Digits(Math.Abs(value));
        if (exponent is >= -4 and < 16)
        {
            if (exponent < 0) return $"{sign}0.{new string('0', -exponent - 1)}{digits}";
            if (digits.Length <= exponent + 1) return $"{sign}{digits.PadRight(exponent + 1, '0')}.0";
            return $"{sign}{digits[..(exponent + 1)]}.{digits[(exponent + 1)..]}";
        }
        string mantissa = digits.Length == 1 ? digits : $"{digits[0]}.{digits[1..]}";
        return $"{sign}{mantissa}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }

    private static (string Digits, int Exponent) Digits(double value)
    {
        string text = value.ToString("E16", CultureInfo.InvariantCulture);
        string shortest = value.ToString("R", CultureInfo.InvariantCulture);
        string digits = new string([.. shortest.TakeWhile(c => c != 'E').Where(char.IsAsciiDigit)]).TrimStart('0').TrimEnd('0');
        int exponent = int.Parse(text.AsSpan(text.IndexOf('E') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return digits.Length == 0 ? ("0", 0) : (digits, exponent);
    }

    private static void Append(object? value, StringBuilder result, JinjaBudget budget)
    {
        budget.Step();
        int before = result.Length;
        switch (value)
        {
            case null: result.Append("None"); break;
            case bool flag: result.Append(flag ? "True" : "False"); break;
            case long number: result.Append(number.ToString(CultureInfo.InvariantCulture)); break;
            case double number: result.Append(Float(number)); break;
            case string text: AppendQuoted(text, result); break;
            case List<object?> list: AppendItems("[", list, "]", result, budget); break;
            case JinjaTuple tuple: AppendItems("(", tuple.Items, tuple.Items.Count == 1 ? ",)" : ")", result, budget); break;
            case JinjaDictionary dictionary: AppendDictionary(dictionary, result, budget); break;
            case JinjaView view: AppendItems($"{view.Name}([", view.Items, "])", result, budget); break;
            case JinjaRange range: result.Append(range.StepSize == 1 ? $"range({range.Start}, {range.Stop})" : $"range({range.Start}, {range.Stop}, {range.StepSize})"); break;
            case JinjaNamespace space:
                result.Append("<Namespace ");
                AppendDictionary(space.Attributes, result, budget);
                result.Append('>');
                break;
            case JinjaMacro macro: result.Append($"<Macro '{macro.Name}'>"); break;
            case JinjaUndefined: result.Append("Undefined"); break;
            default: result.Append($"<{JinjaType.Name(value)}>"); break;
        }
        if (value is string or double or long) budget.Reserve(result.Length - before);
    }

    private static void AppendItems(string open, IReadOnlyList<object?> items, string close, StringBuilder result, JinjaBudget budget)
    {
        result.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            if (i > 0) result.Append(", ");
            Append(items[i], result, budget);
        }
        result.Append(close);
    }

    private static void AppendDictionary(JinjaDictionary dictionary, StringBuilder result, JinjaBudget budget)
    {
        result.Append('{');
        bool first = true;
        foreach ((object? key, object? value) in dictionary.Entries)
        {
            if (!first) result.Append(", ");
            first = false;
            Append(key, result, budget);
            result.Append(": ");
            Append(value, result, budget);
        }
        result.Append('}');
    }

    private static void AppendQuoted(string text, StringBuilder result)
    {
        char quote = text.Contains('\'') && !text.Contains('"') ? '"' : '\'';
        result.Append(quote);
        foreach (Rune rune in text.EnumerateRunes()) AppendEscaped(rune, quote, result);
        result.Append(quote);
    }

    private static void AppendEscaped(Rune rune, char quote, StringBuilder result)
    {
        int code = rune.Value;
        if (code == quote || code == '\\') result.Append('\\').Append((char)code);
        else if (code == '\n') result.Append("\\n");
        else if (code == '\r') result.Append("\\r");
        else if (code == '\t') result.Append("\\t");
        else if (IsPrintable(rune)) result.Append(rune);
        else if (code <= 0xFF) result.Append($"\\x{code:x2}");
        else result.Append(code <= 0xFFFF ? $"\\u{code:x4}" : $"\\U{code:x8}");
    }

    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.SpaceSeparator);
}
