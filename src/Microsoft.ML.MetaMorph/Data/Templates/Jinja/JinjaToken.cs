namespace Microsoft.ML.MetaMorph;

/// <summary>What a piece of a template's source is.</summary>
internal enum JinjaTokenKind
{
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End,
}

/// <summary>A piece of a template's source.</summary>
internal readonly record struct JinjaToken(JinjaTokenKind Kind, string Text, int Line)
{
    public bool Is(string text) => Kind is JinjaTokenKind.Name or JinjaTokenKind.Operator && Text == text;

    public bool IsName(string text) => Kind == JinjaTokenKind.Name && Text == text;

    /// <summary>As Python's jinja2 describes it in its messages.</summary>
    public override string ToString() => Kind is JinjaTokenKind.Name or JinjaTokenKind.Operator ? Text : Describe(Kind);

    public static string Describe(JinjaTokenKind kind) => kind switch
    {
        JinjaTokenKind.End => "end of template",
        JinjaTokenKind.Data => "template data / text",
        JinjaTokenKind.BlockBegin => "begin of statement block",
        JinjaTokenKind.BlockEnd => "end of statement block",
        JinjaTokenKind.VariableBegin => "begin of print statement",
        JinjaTokenKind.VariableEnd => "end of print statement",
        _ => kind.ToString().ToLowerInvariant(),
    };
}
