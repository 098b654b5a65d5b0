using System.Globalization;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>Python's <c>strftime</c>, with English names.</summary>
internal static class JinjaClock
{
    public static string Format(DateTime time, string format)
    {
        var result = new StringBuilder();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                result.Append(format[i]);
                continue;
            }
            bool unpadded = format[i + 1] == '-' && i + 2 < format.Length;
            i += unpadded ? 2 : 1;
            string part = Directive(time, format[i]);
            result.Append(unpadded && part.Length > 1 ? part.TrimStart('0', ' ') is { Length: > 0 } digits ? digits : "0" : part);
        }
        return result.ToString();
    }

    private static string Directive(DateTime time, char directive) => directive switch
    {
        'Y' => Text(time, "yyyy"),
        'y' => Text(time, "yy"),
        'm' => Text(time, "MM"),
        'd' => Text(time, "dd"),
        'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'H' => Text(time, "HH"),
        'I' => Text(time, "hh"),
        'M' => Text(time, "mm"),
        'S' => Text(time, "ss"),
        'f' => Text(time, "ffffff"),
        'p' => time.Hour < 12 ? "AM" : "PM",
        'A' => Text(time, "dddd"),
        'a' => Text(time, "ddd"),
        'B' => Text(time, "MMMM"),
        'b' or 'h' => Text(time, "MMM"),
        'j' => time.DayOfYear.ToString("000", CultureInfo.InvariantCulture),
        'u' => (time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'F' => Text(time, "yyyy-MM-dd"),
        'T' or 'X' => Text(time, "HH:mm:ss"),
        'R' => Text(time, "HH:mm"),
        'D' or 'x' => Text(time, "MM/dd/yy"),
        'z' or 'Z' => "", // Python's datetime.now() knows no zone
        'n' => "\n",
        't' => "\t",
        '%' => "%",
        _ => throw new JinjaError(JinjaError.Value, $"strftime_now: the directive '%{directive}' is not supported"),
    };

    private static string Text(DateTime time, string format) => time.ToString(format.Length == 1 ? "%" + format : format, CultureInfo.InvariantCulture);
}
