namespace Microsoft.ML.MetaMorph;

/// <summary>Texts filled up to a width.</summary>
internal static class JinjaPadding
{
    public static string Zeros(string text, long width, JinjaContext context)
    {
        bool signed = text.StartsWith('+') || text.StartsWith('-');
        string digits = signed ? text[1..] : text;
        return (signed ? text[..1] : "") + Fill('0', width - JinjaString.Length(text), context) + digits;
    }

    /// <summary>Filled to a width; <c>left</c> is the share of the filling that goes before the text.</summary>
    public static string Justify(string text, JinjaArguments arguments, string name, double left, JinjaContext context)
    {
        object?[] values = arguments.Bind(name, ("width", JinjaArguments.Required), ("fillchar", " "));
        string fill = JinjaType.ToText(values[1], "the fill character");
        if (fill.Length != 1) throw JinjaError.OfType("The fill character must be exactly one character long");
        long width = JinjaType.ToInteger(values[0], "width"), missing = Math.Max(0, width - JinjaString.Length(text));
        // Python's center puts the odd blank left only where the width is odd
        long before = left is 0 or 1 ? (long)left * missing : missing / 2 + (missing & width & 1);
        return Fill(fill[0], before, context) + text + Fill(fill[0], missing - before, context);
    }

    private static string Fill(char character, long count, JinjaContext context)
    {
        if (count <= 0) return "";
        context.Budget.Reserve(count);
        return new string(character, (int)count);
    }
}
