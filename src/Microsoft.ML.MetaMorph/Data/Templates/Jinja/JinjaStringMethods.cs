namespace Microsoft.ML.MetaMorph;

/// <summary>The methods of Python's strings.</summary>
internal static class JinjaStringMethods
{
    private delegate object? Method(string text, JinjaArguments arguments, JinjaContext context);

    private static readonly Dictionary<string, Method> Methods = new()
    {
        ["strip"] = (s, a, _) => Strip(s, Characters(a, "strip"), true, true),
        ["lstrip"] = (s, a, _) => Strip(s, Characters(a, "lstrip"), true, false),
        ["rstrip"] = (s, a, _) => Strip(s, Characters(a, "rstrip"), false, true),
        ["upper"] = (s, a, _) => Plain(a, "upper", JinjaString.Upper(s)),
        ["lower"] = (s, a, _) => Plain(a, "lower", JinjaString.Lower(s)),
        ["casefold"] = (s, a, _) => Plain(a, "casefold", JinjaString.Lower(s)),
        ["title"] = (s, a, _) => Plain(a, "title", JinjaString.Title(s)),
        ["capitalize"] = (s, a, _) => Plain(a, "capitalize", JinjaString.Capitalize(s)),
        ["swapcase"] = (s, a, _) => Plain(a, "swapcase", string.Concat(s.Select(c => char.IsUpper(c) ? char.ToLowerInvariant(c) : char.ToUpperInvariant(c)))),
        ["split"] = (s, a, context) => Split(s, a, context, "split", fromEnd: false),
        ["rsplit"] = (s, a, context) => Split(s, a, context, "rsplit", fromEnd: true),
        ["splitlines"] = (s, a, _) => Plain(a, "splitlines", JinjaString.Lines(s).ConvertAll(l => (object?)l)),
        ["partition"] = (s, a, _) => Partition(s, Text(a, "partition", "sep"), fromEnd: false),
        ["rpartition"] = (s, a, _) => Partition(s, Text(a, "rpartition", "sep"), fromEnd: true),
        ["startswith"] = (s, a, _) => Any(a, "startswith", part => s.StartsWith(part, StringComparison.Ordinal)),
        ["endswith"] = (s, a, _) => Any(a, "endswith", part => s.EndsWith(part, StringComparison.Ordinal)),
        ["replace"] = (s, a, context) =>
        {
            object?[] values = a.Bind("replace", ("old", JinjaArguments.Required), ("new", JinjaArguments.Required), ("count", -1L));
            return Replace(s, JinjaType.ToText(values[0], "replace() argument 1"), JinjaType.ToText(values[1], "replace() argument 2"), JinjaType.ToInteger(values[2], "count"), context);
        },
        ["join"] = (s, a, context) => Join(s, JinjaType.Iterate(a.Bind("join", ("iterable", JinjaArguments.Required))[0]), context),
        ["find"] = (s, a, _) => Position(s, s.IndexOf(Text(a, "find", "sub"), StringComparison.Ordinal)),
        ["rfind"] = (s, a, _) => Position(s, s.LastIndexOf(Text(a, "rfind", "sub"), StringComparison.Ordinal)),
        ["index"] = (s, a, _) => s.IndexOf(Text(a, "index", "sub"), StringComparison.Ordinal) is >= 0 and var at ? Position(s, at) : throw new JinjaError(JinjaError.Value, "substring not found"),
        ["count"] = (s, a, _) => Count(s, Text(a, "count", "sub")),
        ["removeprefix"] = (s, a, _) => Text(a, "removeprefix", "prefix") is var prefix && s.StartsWith(prefix, StringComparison.Ordinal) ? s[prefix.Length..] : s,
        ["removesuffix"] = (s, a, _) => Text(a, "removesuffix", "suffix") is { Length: > 0 } suffix && s.EndsWith(suffix, StringComparison.Ordinal) ? s[..^suffix.Length] : s,
        ["isdigit"] = (s, a, _) => Plain(a, "isdigit", s.Length > 0 && s.All(char.IsDigit)),
        ["isnumeric"] = (s, a, _) => Plain(a, "isnumeric", s.Length > 0 && s.All(char.IsNumber)),
        ["isalpha"] = (s, a, _) => Plain(a, "isalpha", s.Length > 0 && s.All(char.IsLetter)),
        ["isalnum"] = (s, a, _) => Plain(a, "isalnum", s.Length > 0 && s.All(char.IsLetterOrDigit)),
        ["isspace"] = (s, a, _) => Plain(a, "isspace", s.Length > 0 && s.All(char.IsWhiteSpace)),
        ["isupper"] = (s, a, _) => Plain(a, "isupper", s.Any(char.IsUpper) && !s.Any(char.IsLower)),
        ["islower"] = (s, a, _) => Plain(a, "islower", s.Any(char.IsLower) && !s.Any(char.IsUpper)),
        ["zfill"] = (s, a, context) => JinjaPadding.Zeros(s, JinjaType.ToInteger(a.Bind("zfill", ("width", JinjaArguments.Required))[0], "width"), context),
        ["ljust"] = (s, a, context) => JinjaPadding.Justify(s, a, "ljust", left: 0, context),
        ["rjust"] = (s, a, context) => JinjaPadding.Justify(s, a, "rjust", left: 1, context),
        ["center"] = (s, a, context) => JinjaPadding.Justify(s, a, "center", left: 0.5, context),
        ["format"] = (s, a, context) => JinjaFormat.Braces(s, a, context),
    };

    public static IJinjaCallable? Find(string text, string name) =>
        Methods.TryGetValue(name, out Method? method) ? new JinjaFunction((context, arguments) => method(text, arguments, context)) : null;

    public static string Strip(string text, string? characters, bool start, bool end)
    {
        char[]? set = characters?.ToCharArray();
        if (set is { Length: 0 }) return text;
        if (start) text = set is null ? text.TrimStart() : text.TrimStart(set);
        if (end) text = set is null ? text.TrimEnd() : text.TrimEnd(set);
        return text;
    }

    public static string Replace(string text, string old, string now, long count, JinjaContext context)
    {
        if (count == 0) return text;
        long found = old.Length == 0 ? text.Length + 1 : Count(text, old);
        if (count > 0) found = Math.Min(found, count);
        context.Budget.Reserve(text.Length + found * now.Length);
        if (count < 0 && old.Length > 0) return text.Replace(old, now, StringComparison.Ordinal);
        var result = new System.Text.StringBuilder();
        int from = 0;
        for (long i = 0; i < found; i++)
        {
            int at = old.Length == 0 ? Math.Min(from + (i > 0 ? 1 : 0), text.Length) : text.IndexOf(old, from, StringComparison.Ordinal);
            result.Append(text, from, at - from).Append(now);
            from = at + old.Length;
        }
        return result.Append(text, from, text.Length - from).ToString();
    }

    public static string Join(string separator, IEnumerable<object?> items, JinjaContext context)
    {
        var result = new System.Text.StringBuilder();
        bool first = true;
        foreach (object? item in items)
        {
            string text = JinjaType.ToText(item, "a sequence item");
            context.Budget.Reserve(text.Length + separator.Length);
            if (!first) result.Append(separator);
            result.Append(text);
            first = false;
        }
        return context.Budget.Count(result.ToString());
    }

    private static object? Plain(JinjaArguments arguments, string name, object? value)
    {
        arguments.Bind(name);
        return value;
    }

    private static string? Characters(JinjaArguments arguments, string name) => arguments.Bind(name, ("chars", null))[0] is { } value ? JinjaType.ToText(value, "the argument") : null;

    private static string Text(JinjaArguments arguments, string name, string parameter) => JinjaType.ToText(arguments.Bind(name, (parameter, JinjaArguments.Required))[0], "the argument");

    private static bool Any(JinjaArguments arguments, string name, Func<string, bool> holds)
    {
        object? value = arguments.Bind(name, ("prefix", JinjaArguments.Required))[0];
        return value is JinjaTuple tuple ? tuple.Items.Any(i => holds(JinjaType.ToText(i, "the argument"))) : holds(JinjaType.ToText(value, "the argument"));
    }

    private static long Position(string text, int index) => index < 0 ? -1 : JinjaString.Length(text[..index]);

    private static long Count(string text, string part)
    {
        if (part.Length == 0) return JinjaString.Length(text) + 1;
        long count = 0;
        for (int at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at = text.IndexOf(part, at + part.Length, StringComparison.Ordinal)) count++;
        return count;
    }

    private static JinjaTuple Partition(string text, string separator, bool fromEnd)
    {
        if (separator.Length == 0) throw new JinjaError(JinjaError.Value, "empty separator");
        int at = fromEnd ? text.LastIndexOf(separator, StringComparison.Ordinal) : text.IndexOf(separator, StringComparison.Ordinal);
        if (at < 0) return fromEnd ? new JinjaTuple(["", "", text]) : new JinjaTuple([text, "", ""]);
        return new JinjaTuple([text[..at], separator, text[(at + separator.Length)..]]);
    }

    private static List<object?> Split(string text, JinjaArguments arguments, JinjaContext context, string name, bool fromEnd)
    {
        object?[] values = arguments.Bind(name, ("sep", null), ("maxsplit", -1L));
        long maximum = JinjaType.ToInteger(values[1], "maxsplit");
        List<string> parts = values[0] is null
            ? SplitBlanks(text, maximum < 0 ? long.MaxValue : maximum, fromEnd)
            : SplitAt(text, JinjaType.ToText(values[0], "sep"), maximum < 0 ? long.MaxValue : maximum, fromEnd);
        context.Budget.Reserve(text.Length + parts.Count);
        return parts.ConvertAll(p => (object?)p);
    }

    private static List<string> SplitAt(string text, string separator, long maximum, bool fromEnd)
    {
        if (separator.Length == 0) throw new JinjaError(JinjaError.Value, "empty separator");
        var parts = new List<string>();
        if (fromEnd)
        {
            int end = text.Length;
            for (int at = Last(end); at >= 0 && parts.Count < maximum; at = Last(end))
            {
                parts.Insert(0, text[(at + separator.Length)..end]);
                end = at;
            }
            parts.Insert(0, text[..end]);
            return parts;
        }
        int start = 0;
        for (int at = text.IndexOf(separator, StringComparison.Ordinal); at >= 0 && parts.Count < maximum; at = text.IndexOf(separator, start, StringComparison.Ordinal))
        {
            parts.Add(text[start..at]);
            start = at + separator.Length;
        }
        parts.Add(text[start..]);
        return parts;

        int Last(int end) => text.AsSpan(0, end).LastIndexOf(separator);
    }

    private static List<string> SplitBlanks(string text, long maximum, bool fromEnd)
    {
        var parts = new List<string>();
        string rest = fromEnd ? text.TrimEnd() : text.TrimStart();
        while (rest.Length > 0 && parts.Count < maximum)
        {
            int at = fromEnd ? rest.AsSpan().LastIndexOfAny(Blanks) : rest.AsSpan().IndexOfAny(Blanks);
            if (at < 0) break;
            parts.Add(fromEnd ? rest[(at + 1)..] : rest[..at]);
            rest = fromEnd ? rest[..at].TrimEnd() : rest[at..].TrimStart();
        }
        if (rest.Length > 0) parts.Add(rest);
        if (fromEnd) parts.Reverse();
        return parts;
    }

    private static readonly System.Buffers.SearchValues<char> Blanks = System.Buffers.SearchValues.Create([.. Enumerable.Range(0, 0x10000).Select(c => (char)c).Where(char.IsWhiteSpace)]);
}
