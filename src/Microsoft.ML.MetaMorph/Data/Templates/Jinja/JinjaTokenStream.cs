namespace Microsoft.ML.MetaMorph;

/// <summary>The tokens of a template, read from front to back.</summary>
internal sealed class JinjaTokenStream(List<JinjaToken> tokens)
{
    private int _position;

    public JinjaToken Current => tokens[_position];

    public JinjaToken Following => tokens[Math.Min(_position + 1, tokens.Count - 1)];

    /// <summary>How far the reading is, to look back at what was read.</summary>
    public int Position => _position;

    public JinjaToken Next()
    {
        JinjaToken token = Current;
        if (token.Kind != JinjaTokenKind.End) _position++;
        return token;
    }

    public bool Skip(string text)
    {
        if (!Current.Is(text)) return false;
        Next();
        return true;
    }

    public JinjaToken Expect(string text) => Current.Is(text) ? Next() : throw Unexpected(text);

    public JinjaToken Expect(JinjaTokenKind kind) => Current.Kind == kind ? Next() : throw Unexpected(JinjaToken.Describe(kind));

    /// <summary>Whether a name stands anywhere between two positions.</summary>
    public bool Mentions(string name, int from, int to) => tokens.FindIndex(from, to - from, t => t.IsName(name)) >= 0;

    public JinjaError Unexpected(string expected) => Error(Current.Kind == JinjaTokenKind.End ? $"unexpected end of template, expected '{expected}'." : $"expected token '{expected}', got '{Current}'");

    public JinjaError Error(string text) => new(JinjaError.Syntax, text, Current.Line);
}
