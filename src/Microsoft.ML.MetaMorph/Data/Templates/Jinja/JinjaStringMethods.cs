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
        ["splitlines"] = (s, a, context) => Plain(a, "splitlines", Listed(JinjaString.Lines(s), context)),
        ["partition"] = (s, a, _) => Partition(s, Text(a, "partition", "sep"), fromEnd: false),
        ["rpartition"] = (s, a, _) => Partition(s, Text(a, "rpartition", "sep"), fromEnd: true),
        ["startswith"] = (s, a, context) => Any(a, "startswith", context, part => s.StartsWith(part, StringComparison.Ordinal)),
        ["endswith"] = (s, a, context) => Any(a, "endswith", context, part => s.EndsWith(part, StringComparison.Ordinal)),
        ["replace"] = (s, a, context) =>
        {
            object?[] values = a.Bind("replace", ("old", JinjaArguments.Required), ("new", JinjaArguments.Required), ("count", -1L));
            return Replace(s, JinjaType.ToText(values[0], "replace() argument 1"), JinjaType.ToText(values[1], "replace() argument 2"), JinjaType.ToInteger(values[2], "count"), context);
        },
        ["join"] = (s, a, context) => Join(s, JinjaType.Iterate(a.Bind("join", ("iterable", JinjaArguments.Required))[0]), context),
        ["find"] = (s, a, _) => Position(s, new JinjaSearch(Text(a, "find", "sub")).First(s)),
        ["rfind"] = (s, a, _) => Position(s, new JinjaSearch(Text(a, "rfind", "sub")).Last(s, s.Length)),
        ["index"] = (s, a, _) => new JinjaSearch(Text(a, "index", "sub")).First(s) is >= 0 and var at ? Position(s, at) : throw new JinjaError(JinjaError.Value, "substring not found"),
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
        Methods.TryGetValue(name, out Method? method) ? new JinjaFunction((context, arguments) =>
        {
            context.Budget.Work(text.Length);
            return method(text, arguments, context);
        }) : null;

    public static string Strip(string text, string? characters, bool start, bool end)
    {
        if (characters is null) return (start, end) switch { (true, true) => text.Trim(), (true, false) => text.TrimStart(), _ => text.TrimEnd() };
        var set = new HashSet<char>(characters);
        int from = 0, to = text.Length;
        while (start && from < to && set.Contains(text[from])) from++;
        while (end && from < to && set.Contains(text[to - 1])) to--;
        return text[from..to];
    }

    public static string Replace(string text, string old, string now, long count, JinjaContext context)
    {
        if (count == 0) return text;
        long found = old.Length == 0 ? text.Length + 1 : Count(text, old);
        if (count > 0) found = Math.Min(found, count);
        context.Budget.Reserve(text.Length + found * now.Length);
        var search = new JinjaSearch(old);
        var result = new System.Text.StringBuilder();
        int from = 0;
        for (long i = 0; i < found; i++)
        {
            int at = old.Length == 0 ? Math.Min(from + (i > 0 ? 1 : 0), text.Length) : search.First(text, from);
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
            context.Budget.Step();
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

    private static bool Any(JinjaArguments arguments, string name, JinjaContext context, Func<string, bool> holds)
    {
        object? value = arguments.Bind(name, ("prefix", JinjaArguments.Required))[0];
        return value is JinjaTuple tuple ? tuple.Items.Any(Holds) : Holds(value);

        bool Holds(object? part)
        {
            string text = JinjaType.ToText(part, "the argument");
            context.Budget.Step();
            context.Budget.Work(text.Length);
            return holds(text);
        }
    }

    private static List<object?> Listed(List<string> parts, JinjaContext context)
    {
        context.Budget.Reserve(parts.Count);
        return parts.ConvertAll(p => (object?)p);
    }

    private static long Position(string text, int index) => index < 0 ? -1 : JinjaString.Length(text[..index]);

    private static long Count(string text, string part)
    {
        if (part.Length == 0) return JinjaString.Length(text) + 1;
        long count = 0;
        var search = new JinjaSearch(part);
        for (int at = search.First(text); at >= 0; at = search.First(text, at + part.Length)) count++;
        return count;
    }

    private static JinjaTuple Partition(string text, string separator, bool fromEnd)
    {
        if (separator.Length == 0) throw new JinjaError(JinjaError.Value, "empty separator");
        int at = fromEnd ? new JinjaSearch(separator).Last(text, text.Length) : new JinjaSearch(separator).First(text);
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
        context.Budget.Reserve(text.Length);
        return Listed(parts, context);
    }

    private static List<string> SplitAt(string text, string separator, long maximum, bool fromEnd)
    {
        if (separator.Length == 0) throw new JinjaError(JinjaError.Value, "empty separator");
        var search = new JinjaSearch(separator);
        var parts = new List<string>();
        if (fromEnd)
        {
            int end = text.Length;
            for (int at = search.Last(text, end); at >= 0 && parts.Count < maximum; at = search.Last(text, end))
            {
                parts.Add(text[(at + separator.Length)..end]);
                end = at;
            }
            parts.Add(text[..end]);
            parts.Reverse();
            return parts;
        }
        int start = 0;
        for (int at = search.First(text); at >= 0 && parts.Count < maximum; at = search.First(text, start))
        {
            parts.Add(text[start..at]);
            start = at + separator.Length;
        }
        parts.Add(text[start..]);
        return parts;
    }

    /// <summary>The words between blanks; what is left behind the last allowed cut stays whole.</summary>
    private static List<string> SplitBlanks(string text, long maximum, bool fromEnd)
    {
        var parts = new List<string>();
        int start = 0, end = text.Length;
        Trim();
        while (start < end && parts.Count < maximum)
        {
            ReadOnlySpan<char> rest = text.AsSpan(start, end - start);
            int at = fromEnd ? rest.LastIndexOfAny(Blanks) : rest.IndexOfAny(Blanks);
            if (at < 0) break;
            parts.Add((fromEnd ? rest[(at + 1)..] : rest[..at]).ToString());
            if (fromEnd) end = start + at;
            else start += at;
            Trim();
        }
        if (start < end) parts.Add(text[start..end]);
        if (fromEnd) parts.Reverse();
        return parts;

        void Trim()
        {
            while (!fromEnd && start < end && char.IsWhiteSpace(text[start])) start++;
            while (fromEnd && start < end && char.IsWhiteSpace(text[end - 1])) end--;
        }
    }

    private static readonly System.Buffers.SearchValues<char> Blanks = System.Buffers.SearchValues.Create([.. Enumerable.Range(0, 0x10000).Select(c => (char)c).Where(char.IsWhiteSpace)]);
}
