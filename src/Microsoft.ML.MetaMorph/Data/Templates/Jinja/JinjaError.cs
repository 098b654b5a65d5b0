namespace Microsoft.ML.MetaMorph;

/// <summary>What stops a template: the kind is the name that Python's jinja2 gives such an error.</summary>
internal sealed class JinjaError(string kind, string text, int line = 0) : Exception($"{kind}: {text}")
{
    public const string Runtime = "TemplateRuntimeError";
    public const string Syntax = "TemplateSyntaxError";
    public const string Template = "TemplateError";
    public const string Type = "TypeError";
    public const string Value = "ValueError";
    public const string Undefined = "UndefinedError";
    public const string Security = "SecurityError";
    public const string Limit = "LimitError";

    public string Kind { get; } = kind;

    public string Text { get; } = text;

    /// <summary>The line of the template, or 0 where it is not known.</summary>
    public int Line { get; } = line;

    public static JinjaError OfType(string text) => new(Type, text);

    public JinjaError AtLine(int number) => Line > 0 ? this : new JinjaError(Kind, Text, number);
}
