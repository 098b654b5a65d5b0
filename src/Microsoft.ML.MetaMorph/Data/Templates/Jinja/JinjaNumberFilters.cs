using System.Globalization;

namespace Microsoft.ML.MetaMorph;

/// <summary>Filters of numbers.</summary>
internal static class JinjaNumberFilters
{
    public static readonly Dictionary<string, JinjaFilters.Filter> All = new()
    {
        ["abs"] = (v, a, _) =>
        {
            a.Bind("abs");
            return v is double number ? (object)Math.Abs(number) : JinjaArithmetic.Exactly(() => Math.Abs(JinjaType.ToInteger(v, "the operand of 'abs'")));
        },
        ["int"] = Int,
        ["float"] = (v, a, _) => ParseFloat(v) is { } number ? number : a.Bind("float", ("default", 0.0))[0],
        ["round"] = Round,
    };

    private static object? Int(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("int", ("default", 0L), ("base", 10L));
        long radix = JinjaType.ToInteger(values[1], "base");
        if (value is string text && ParseInteger(text, radix) is { } parsed) return parsed;
        if (value is long or bool) return JinjaType.ToInteger(value, "a number");
        return ParseFloat(value) is { } number && Math.Abs(number) < long.MaxValue ? (long)number : values[0];
    }

    private static long? ParseInteger(string text, long radix)
    {
        string digits = text.Trim().Replace("_", "", StringComparison.Ordinal);
        if (radix == 10) return long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value : null;
        if (radix is not (2 or 8 or 16)) throw new JinjaError(JinjaError.Value, $"int() base {radix} is not supported; 2, 8, 10 and 16 are");
        string prefix = radix == 16 ? "0x" : radix == 8 ? "0o" : "0b";
        if (digits.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) digits = digits[2..];
        try
        {
            return Convert.ToInt64(digits, (int)radix);
        }
        catch (Exception wrong) when (wrong is FormatException or OverflowException or ArgumentException)
        {
            return null; // the filter's default takes its place
        }
    }

    private static double? ParseFloat(object? value)
    {
        if (value is JinjaUndefined undefined) throw undefined.Error();
        if (JinjaType.IsNumber(value)) return JinjaType.ToDouble(value);
        if (value is not string text) return null;
        return text.Trim().ToLowerInvariant() switch
        {
            "inf" or "+inf" or "infinity" => double.PositiveInfinity,
            "-inf" or "-infinity" => double.NegativeInfinity,
            "nan" => double.NaN,
            string digits => double.TryParse(digits.Replace("_", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out double number) ? number : null,
        };
    }

    private static object? Round(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("round", ("precision", 0L), ("method", "common"));
        int precision = (int)Math.Clamp(JinjaType.ToInteger(values[0], "precision"), -20, 20);
        double number = JinjaType.ToDouble(value), scale = Math.Pow(10, precision);
        return JinjaType.ToText(values[1], "method") switch
        {
            "common" => value is long or bool && precision >= 0 ? (object)JinjaType.ToInteger(value, "a number") : RoundHalfEven(number, precision),
            "ceil" => Math.Ceiling(number * scale) / scale,
            "floor" => Math.Floor(number * scale) / scale,
            _ => throw new JinjaError("FilterArgumentError", "method must be common, ceil or floor"),
        };
    }

    /// <summary>Rounds the number that the bits stand for, not its shortest decimal spelling.</summary>
    private static double RoundHalfEven(double number, int precision)
    {
        if (double.IsNaN(number) || double.IsInfinity(number)) return number;
        if (precision < 0) return Math.Round(number / Math.Pow(10, -precision), MidpointRounding.ToEven) * Math.Pow(10, -precision);
        if (precision > 15 || Math.Abs(number) >= 1e8) return Math.Round(number, Math.Min(precision, 15), MidpointRounding.ToEven);
        decimal exact = decimal.Parse(number.ToString("F20", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return (double)decimal.Round(exact, precision, MidpointRounding.ToEven);
    }
}
