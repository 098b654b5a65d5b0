namespace Microsoft.ML.MetaMorph;

/// <summary>Reads a template's statements.</summary>
internal sealed class JinjaParser
{
    private readonly JinjaTokenStream _tokens;
    private readonly JinjaExpressionParser _expressions;
    private readonly Stack<string> _open = new();
    private readonly Stack<string[]> _ends = new();
    private int _loops;

    private JinjaParser(JinjaTokenStream tokens)
    {
        _tokens = tokens;
        _expressions = new JinjaExpressionParser(tokens);
    }

    public static IReadOnlyList<JinjaStatement> Parse(string source)
    {
        var parser = new JinjaParser(new JinjaTokenStream(JinjaLexer.Tokenize(source)));
        return parser.ParseBody([]);
    }

    /// <summary>Statements up to a tag with one of the given names, which is left unread.</summary>
    private List<JinjaStatement> ParseBody(params string[] ends)
    {
        JinjaBudget.EnsureStack();
        _ends.Push(ends);
        List<JinjaStatement> body = ParseStatements(ends);
        _ends.Pop();
        return body;
    }

    private List<JinjaStatement> ParseStatements(string[] ends)
    {
        var body = new List<JinjaStatement>();
        while (true)
        {
            JinjaToken token = _tokens.Current;
            switch (token.Kind)
            {
                case JinjaTokenKind.End:
                    if (ends.Length == 0) return body;
                    throw _tokens.Error("Unexpected end of template." + WhatIsOpen(null));
                case JinjaTokenKind.Data:
                    body.Add(new JinjaData(_tokens.Next().Text, token.Line));
                    break;
                case JinjaTokenKind.VariableBegin:
                    _tokens.Next();
                    body.Add(new JinjaPrint(_expressions.ParseTuple(), token.Line));
                    _tokens.Expect(JinjaTokenKind.VariableEnd);
                    break;
                default:
                    _tokens.Next();
                    if (_tokens.Current.Kind == JinjaTokenKind.Name && ends.Contains(_tokens.Current.Text)) return body;
                    body.Add(ParseStatement());
                    break;
            }
        }
    }

    private JinjaStatement ParseStatement()
    {
        JinjaToken tag = _tokens.Current.Kind == JinjaTokenKind.Name ? _tokens.Next() : throw _tokens.Error("tag name expected");
        return tag.Text switch
        {
            "if" => Within(tag, ParseIf),
            "for" => Within(tag, ParseFor),
            "set" => Within(tag, ParseSet),
            "macro" => Within(tag, ParseMacro),
            "call" => Within(tag, ParseCallBlock),
            "filter" => Within(tag, ParseFilterBlock),
            "with" => Within(tag, ParseWith),
            "generation" => Within(tag, line => new JinjaBlock([], ParseClosed("endgeneration"), line)),
            "break" or "continue" => ParseJump(tag),
            "include" or "import" or "from" or "extends" or "block" or "autoescape" or "print" => throw Unknown(tag, "is not supported in chat templates"),
            _ => throw new JinjaError(JinjaError.Syntax, $"Encountered unknown tag '{tag.Text}'." + WhatIsOpen(tag.Text), tag.Line),
        };
    }

    private static JinjaError Unknown(JinjaToken tag, string what) => new(JinjaError.Syntax, $"the tag '{tag.Text}' {what}.", tag.Line);

    /// <summary>What the end of the template, or a tag that fits nowhere, leaves open.</summary>
    private string WhatIsOpen(string? tag)
    {
        string[] wanted = _ends.Peek();
        string looking = string.Join(" or ", wanted.Select(end => $"'{end}'"));
        bool isMisplaced = tag is not null && _ends.Any(ends => ends.Contains(tag));
        string text = wanted.Length == 0 ? "" : isMisplaced
            ? $" You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for {looking}."
            : $" Jinja was looking for the following tags: {looking}.";
        return _open.Count == 0 ? text : $"{text} The innermost block that needs to be closed is '{_open.Peek()}'.";
    }

    private JinjaStatement Within(JinjaToken tag, Func<int, JinjaStatement> parse)
    {
        _open.Push(tag.Text);
        JinjaStatement statement = parse(tag.Line);
        _open.Pop();
        return statement;
    }

    private void EndTag() => _tokens.Expect(JinjaTokenKind.BlockEnd);

    /// <summary>The rest of the tag, the body, and its end tag.</summary>
    private List<JinjaStatement> ParseClosed(string end)
    {
        EndTag();
        List<JinjaStatement> body = ParseBody(end);
        _tokens.Next();
        EndTag();
        return body;
    }

    private JinjaIf ParseIf(int line)
    {
        var branches = new List<(JinjaExpression, IReadOnlyList<JinjaStatement>)>();
        IReadOnlyList<JinjaStatement> otherwise = [];
        string end;
        do
        {
            JinjaExpression condition = _expressions.ParseTuple(withConditional: false);
            EndTag();
            branches.Add((condition, ParseBody("elif", "else", "endif")));
            end = _tokens.Next().Text;
        }
        while (end == "elif");
        if (end == "else") otherwise = ParseClosed("endif");
        else EndTag();
        return new JinjaIf(branches, otherwise, line);
    }

    private JinjaFor ParseFor(int line)
    {
        JinjaTarget target = ParseTargets("in");
        _tokens.Expect("in");
        JinjaExpression source = _expressions.ParseTuple(withConditional: false, endsBefore: "recursive");
        JinjaExpression? condition = null;
        if (_tokens.Current.IsName("if"))
        {
            _tokens.Next();
            condition = _expressions.Parse();
        }
        bool isRecursive = _tokens.Current.IsName("recursive");
        if (isRecursive) _tokens.Next();
        EndTag();
        _loops++;
        IReadOnlyList<JinjaStatement> body = ParseBody("endfor", "else");
        _loops--;
        IReadOnlyList<JinjaStatement> otherwise = [];
        if (_tokens.Next().Text == "else") otherwise = ParseClosed("endfor");
        else EndTag();
        return new JinjaFor(target, source, condition, body, otherwise, isRecursive, line);
    }

    private JinjaStatement ParseSet(int line)
    {
        JinjaTarget target = ParseTargets("=");
        if (_tokens.Skip("="))
        {
            JinjaExpression value = _expressions.ParseTuple();
            EndTag();
            return new JinjaSet(target, value, line);
        }
        List<(string, JinjaArgumentList)> filters = _expressions.ParseFilters(startsWithoutPipe: false);
        return new JinjaCapture(target, filters, ParseClosed("endset"), line);
    }

    private JinjaCapture ParseFilterBlock(int line)
    {
        List<(string, JinjaArgumentList)> filters = _expressions.ParseFilters(startsWithoutPipe: true);
        return new JinjaCapture(null, filters, ParseClosed("endfilter"), line);
    }

    private JinjaBlock ParseWith(int line)
    {
        var variables = new List<(JinjaTarget, JinjaExpression)>();
        while (_tokens.Current.Kind != JinjaTokenKind.BlockEnd)
        {
            if (variables.Count > 0) _tokens.Expect(",");
            JinjaTarget target = ParseTarget();
            _tokens.Expect("=");
            variables.Add((target, _expressions.Parse()));
        }
        return new JinjaBlock(variables, ParseClosed("endwith"), line);
    }

    private JinjaMacroDefinition ParseMacro(int line)
    {
        string name = _tokens.Expect(JinjaTokenKind.Name).Text;
        List<JinjaParameter> parameters = ParseParameters();
        (JinjaMacroSignature signature, List<JinjaStatement> body) = ParseMacroBody(name, parameters, "endmacro");
        return new JinjaMacroDefinition(signature, body, line);
    }

    private JinjaCallBlock ParseCallBlock(int line)
    {
        List<JinjaParameter> parameters = _tokens.Current.Is("(") ? ParseParameters() : [];
        if (_expressions.ParseUnary() is not JinjaCall call) throw _tokens.Error("expected call");
        (JinjaMacroSignature signature, List<JinjaStatement> body) = ParseMacroBody("caller", parameters, "endcall");
        return new JinjaCallBlock(call, signature, body, line);
    }

    private (JinjaMacroSignature Signature, List<JinjaStatement> Body) ParseMacroBody(string name, List<JinjaParameter> parameters, string end)
    {
        int from = _tokens.Position, loops = _loops;
        _loops = 0;
        List<JinjaStatement> body = ParseClosed(end);
        _loops = loops;
        int to = _tokens.Position;
        return (new JinjaMacroSignature(name, parameters, _tokens.Mentions("varargs", from, to), _tokens.Mentions("kwargs", from, to), _tokens.Mentions("caller", from, to)), body);
    }

    private List<JinjaParameter> ParseParameters()
    {
        var parameters = new List<JinjaParameter>();
        _tokens.Expect("(");
        while (!_tokens.Current.Is(")"))
        {
            if (parameters.Count > 0) _tokens.Expect(",");
            string name = _tokens.Expect(JinjaTokenKind.Name).Text;
            JinjaExpression? otherwise = _tokens.Skip("=") ? _expressions.Parse() : null;
            if (otherwise is null && parameters.Count > 0 && parameters[^1].Default is not null) throw _tokens.Error("non-default argument follows default argument");
            parameters.Add(new JinjaParameter(name, otherwise));
        }
        _tokens.Expect(")");
        return parameters;
    }

    private JinjaJump ParseJump(JinjaToken tag)
    {
        if (_loops == 0) throw Unknown(tag, "stands outside a loop");
        EndTag();
        return new JinjaJump(tag.Text == "break" ? JinjaFlow.Break : JinjaFlow.Continue, tag.Line);
    }

    private JinjaTarget ParseTargets(string endsBefore)
    {
        List<JinjaTarget> targets = [ParseTarget()];
        bool isTuple = false;
        while (_tokens.Skip(","))
        {
            isTuple = true;
            if (_tokens.Current.Is(endsBefore)) break;
            targets.Add(ParseTarget());
        }
        return isTuple ? new JinjaTupleTarget(targets) : targets[0];
    }

    private JinjaTarget ParseTarget()
    {
        if (_tokens.Skip("("))
        {
            JinjaTarget inner = ParseTargets(")");
            _tokens.Expect(")");
            return inner;
        }
        JinjaToken name = _tokens.Expect(JinjaTokenKind.Name);
        if (name.Text is "true" or "false" or "none" or "True" or "False" or "None") throw new JinjaError(JinjaError.Syntax, $"can't assign to '{name.Text}'", name.Line);
        return _tokens.Skip(".") ? new JinjaAttributeTarget(name.Text, _tokens.Expect(JinjaTokenKind.Name).Text) : new JinjaNameTarget(name.Text);
    }
}
