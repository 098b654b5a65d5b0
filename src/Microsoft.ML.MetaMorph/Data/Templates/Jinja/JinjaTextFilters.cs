using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>Filters of texts.</summary>
internal static partial class JinjaTextFilters
{
    public static readonly Dictionary<string, JinjaFilters.Filter> All = new()
    {
        ["trim"] = (v, a, c) => JinjaStringMethods.Strip(c.Text(v), a.Bind("trim", ("chars", null))[0] is { } chars ? JinjaType.ToText(chars, "chars") : null, true, true),
        ["upper"] = (v, a, c) => Plain(a, "upper", JinjaString.Upper(c.Text(v))),
        ["lower"] = (v, a, c) => Plain(a, "lower", JinjaString.Lower(c.Text(v))),
        ["title"] = (v, a, c) => Plain(a, "title", Title(c.Text(v))),
        ["capitalize"] = (v, a, c) => Plain(a, "capitalize", JinjaString.Capitalize(c.Text(v))),
        ["string"] = (v, a, c) => Plain(a, "string", c.Text(v)),
        ["safe"] = (v, a, c) => Plain(a, "safe", c.Text(v)),
        ["e"] = (v, a, c) => Plain(a, "e", Escape(c.Text(v), c)),
        ["escape"] = (v, a, c) => Plain(a, "escape", Escape(c.Text(v), c)),
        ["forceescape"] = (v, a, c) => Plain(a, "forceescape", Escape(c.Text(v), c)),
        ["replace"] = Replace,
        ["indent"] = Indent,
        ["truncate"] = Truncate,
        ["center"] = (v, a, c) => JinjaPadding.Justify(c.Text(v), new JinjaArguments([a.Bind("center", ("width", 80L))[0]], JinjaArguments.Empty.Named), "center", 0.5, c),
        ["wordcount"] = (v, a, c) => Plain(a, "wordcount", (long)Word().Count(c.Text(v))),
        ["format"] = (v, a, c) => JinjaFormat.Percent(c.Text(v), a.Named.Count > 0 ? Dictionary(a, c) : new JinjaTuple(a.Positional), c),
        ["urlencode"] = (v, a, c) => Plain(a, "urlencode", Uri.EscapeDataString(c.Text(v)).Replace("%2F", "/", StringComparison.Ordinal)),
        ["tojson"] = JinjaJson.Filter,
        ["striptags"] = (v, a, c) => Plain(a, "striptags", string.Join(' ', WithoutTags(c.Text(v)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))),
    };

    private static object? Plain(JinjaArguments arguments, string name, object? value)
    {
        arguments.Bind(name);
        return value;
    }

    private static string Escape(string text, JinjaContext context)
    {
        context.Budget.Reserve(text.Length * 6L);
        return text.Replace("&", "&amp;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace("'", "&#39;", StringComparison.Ordinal).Replace("\"", "&#34;", StringComparison.Ordinal);
    }

    /// <summary>Words begin after blanks, hyphens and opening brackets; unlike the method, an apostrophe begins none.</summary>
    private static string Title(string text) => string.Concat(WordBeginning().Split(text).Select(JinjaString.Capitalize));

    private static object? Replace(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("replace", ("old", JinjaArguments.Required), ("new", JinjaArguments.Required), ("count", null));
        return JinjaStringMethods.Replace(context.Text(value), context.Text(values[0]), context.Text(values[1]), values[2] is null ? -1 : JinjaType.ToInteger(values[2], "count"), context);
    }

    private static object? Indent(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("indent", ("width", 4L), ("first", false), ("blank", false));
        string indention;
        if (values[0] is string given) indention = given;
        else
        {
            long width = Math.Max(0, JinjaType.ToInteger(values[0], "width"));
            context.Budget.Reserve(width);
            indention = new string(' ', (int)width);
        }
        bool blank = JinjaType.IsTrue(values[2]);
        List<string> lines = JinjaString.Lines(JinjaType.ToText(value is JinjaUndefined ? "" : value, "the value to indent") + "\n");
        context.Budget.Reserve(lines.Sum(l => (long)l.Length + indention.Length + 1));
        IEnumerable<string> rest = lines.Skip(1).Select(l => l.Length > 0 || blank ? indention + l : l);
        return (JinjaType.IsTrue(values[1]) ? indention : "") + string.Join('\n', rest.Prepend(lines[0]));
    }

    private static object? Truncate(object? value, JinjaArguments arguments, JinjaContext context)
    {
        object?[] values = arguments.Bind("truncate", ("length", 255L), ("killwords", false), ("end", "..."), ("leeway", 5L));
        string text = context.Text(value), end = JinjaType.ToText(values[2], "end");
        long length = JinjaType.ToInteger(values[0], "length"), leeway = JinjaType.ToInteger(values[3], "leeway");
        if (length < end.Length || leeway < 0) throw new JinjaError("AssertionError", $"expected length >= {end.Length} and leeway >= 0, got {length} and {leeway}");
        if (JinjaString.Length(text) <= length + leeway) return text;
        string cut = JinjaString.Take(text, Enumerable.Range(0, (int)(length - end.Length)));
        if (!JinjaType.IsTrue(values[1]) && cut.LastIndexOf(' ') is >= 0 and var blank) cut = cut[..blank];
        return cut + end;
    }

    /// <summary>Comments and tags cut out, in one walk: what is opened and not closed stays.</summary>
    private static string WithoutTags(string text)
    {
        var kept = new StringBuilder(text.Length);
        bool hasComments = true;
        int from = 0;
        for (int open = text.IndexOf('<'); open >= 0; open = text.IndexOf('<', from))
        {
            int close = -1;
            if (hasComments && text.AsSpan(open).StartsWith("<!--"))
            {
                close = text.IndexOf("-->", open + 4, StringComparison.Ordinal) is >= 0 and var end ? end + 2 : -1;
                hasComments = close >= 0;
            }
            if (close < 0) close = text.IndexOf('>', open);
            if (close < 0) break;
            kept.Append(text, from, open - from);
            from = close + 1;
        }
        return kept.Append(text, from, text.Length - from).ToString();
    }

    private static JinjaDictionary Dictionary(JinjaArguments arguments, JinjaContext context)
    {
        var result = new JinjaDictionary(context.Budget);
        foreach ((string name, object? value) in arguments.Named) result[name] = value;
        return result;
    }

    [GeneratedRegex(@"[\w]+", RegexOptions.CultureInvariant)]
    private static partial Regex Word();

    [GeneratedRegex(@"([-\s({\[<]+)", RegexOptions.CultureInvariant)]
    private static partial Regex WordBeginning();
}
