using System.Globalization;

namespace Microsoft.ML.MetaMorph;

/// <summary>Reads expressions, weakest operators first, in Jinja's order of precedence.</summary>
internal sealed class JinjaExpressionParser(JinjaTokenStream tokens)
{
    public JinjaExpression Parse(bool withConditional = true)
    {
        JinjaBudget.EnsureStack();
        return withConditional ? ParseConditional() : ParseOr();
    }

    /// <summary>One expression, or several with commas between them as a tuple.</summary>
    public JinjaExpression ParseTuple(bool withConditional = true, string? endsBefore = null, bool inParentheses = false)
    {
        int line = tokens.Current.Line;
        var items = new List<JinjaExpression>();
        bool isTuple = false;
        while (true)
        {
            if (items.Count > 0 && !tokens.Skip(",")) break;
            isTuple |= items.Count > 0;
            if (EndsTuple(endsBefore)) break;
            items.Add(Parse(withConditional));
        }
        if (items.Count == 0 && !inParentheses) throw tokens.Error($"Expected an expression, got '{tokens.Current}'");
        return isTuple || items.Count == 0 ? new JinjaTupleLiteral(items, line) : items[0];
    }

    /// <summary>Filters after a pipe, for blocks.</summary>
    public List<(string Name, JinjaArgumentList Arguments)> ParseFilters(bool startsWithoutPipe)
    {
        var filters = new List<(string, JinjaArgumentList)>();
        while (startsWithoutPipe && filters.Count == 0 || tokens.Skip("|"))
        {
            string name = ParseDottedName();
            filters.Add((name, tokens.Current.Is("(") ? ParseArguments() : JinjaArgumentList.Empty));
        }
        return filters;
    }

    public JinjaExpression ParseUnary(bool withFilters = true)
    {
        JinjaBudget.EnsureStack();
        int line = tokens.Current.Line;
        JinjaExpression value;
        if (tokens.Skip("-")) value = new JinjaSign(true, ParseUnary(false), line);
        else if (tokens.Skip("+")) value = new JinjaSign(false, ParseUnary(false), line);
        else value = ParsePrimary();
        value = ParsePostfix(value);
        return withFilters ? ParseFiltersAndTests(value) : value;
    }

    private bool EndsTuple(string? endsBefore) => tokens.Current.Kind is JinjaTokenKind.VariableEnd or JinjaTokenKind.BlockEnd || tokens.Current.Is(")") || endsBefore is not null && tokens.Current.IsName(endsBefore);

    private JinjaExpression ParseConditional()
    {
        int line = tokens.Current.Line;
        JinjaExpression value = ParseOr();
        while (tokens.Current.IsName("if"))
        {
            tokens.Next();
            JinjaExpression condition = ParseOr();
            JinjaExpression? otherwise = null;
            if (tokens.Current.IsName("else"))
            {
                tokens.Next();
                JinjaBudget.EnsureStack();
                otherwise = ParseConditional();
            }
            value = new JinjaConditional(condition, value, otherwise, line);
        }
        return value;
    }

    private JinjaExpression ParseOr()
    {
        JinjaExpression left = ParseAnd();
        while (tokens.Current.IsName("or")) left = new JinjaAndOr(false, left, After(ParseAnd, out int line), line);
        return left;
    }

    private JinjaExpression ParseAnd()
    {
        JinjaExpression left = ParseNot();
        while (tokens.Current.IsName("and")) left = new JinjaAndOr(true, left, After(ParseNot, out int line), line);
        return left;
    }

    private JinjaExpression ParseNot()
    {
        JinjaBudget.EnsureStack();
        if (!tokens.Current.IsName("not")) return ParseComparison();
        return new JinjaNot(After(ParseNot, out int line), line);
    }

    private JinjaExpression ParseComparison()
    {
        int line = tokens.Current.Line;
        JinjaExpression first = ParseSum();
        var rest = new List<(string, JinjaExpression)>();
        while (ComparisonOperator() is { } symbol) rest.Add((symbol, ParseSum()));
        return rest.Count == 0 ? first : new JinjaComparison(first, rest, line);
    }

    private string? ComparisonOperator()
    {
        JinjaToken token = tokens.Current;
        if (token.Kind == JinjaTokenKind.Operator && token.Text is "==" or "!=" or "<" or "<=" or ">" or ">=") return tokens.Next().Text;
        if (token.IsName("in")) return tokens.Next().Text;
        if (!token.IsName("not") || !tokens.Following.IsName("in")) return null;
        tokens.Next();
        tokens.Next();
        return "not in";
    }

    private JinjaExpression ParseSum() => ParseBinary(ParseConcatenation, "+", "-");

    private JinjaExpression ParseConcatenation()
    {
        int line = tokens.Current.Line;
        List<JinjaExpression> parts = [ParseProduct()];
        while (tokens.Skip("~")) parts.Add(ParseProduct());
        return parts.Count == 1 ? parts[0] : new JinjaConcatenation(parts, line);
    }

    private JinjaExpression ParseProduct() => ParseBinary(ParsePower, "*", "/", "//", "%");

    private JinjaExpression ParsePower() => ParseBinary(() => ParseUnary(), "**");

    private JinjaExpression ParseBinary(Func<JinjaExpression> operand, params ReadOnlySpan<string> symbols)
    {
        JinjaExpression left = operand();
        while (tokens.Current.Kind == JinjaTokenKind.Operator && symbols.Contains(tokens.Current.Text))
        {
            string symbol = tokens.Current.Text;
            left = new JinjaBinary(symbol, left, After(operand, out int line), line);
        }
        return left;
    }

    private JinjaExpression After(Func<JinjaExpression> operand, out int line)
    {
        line = tokens.Next().Line;
        return operand();
    }

    private JinjaExpression ParsePrimary()
    {
        JinjaToken token = tokens.Next();
        switch (token.Kind)
        {
            case JinjaTokenKind.Name: return NamedValue(token);
            case JinjaTokenKind.String:
                string text = token.Text;
                while (tokens.Current.Kind == JinjaTokenKind.String) text += tokens.Next().Text;
                return new JinjaConstant(text, token.Line);
            case JinjaTokenKind.Integer: return new JinjaConstant(long.Parse(token.Text, CultureInfo.InvariantCulture), token.Line);
            case JinjaTokenKind.Float: return new JinjaConstant(double.Parse(token.Text, CultureInfo.InvariantCulture), token.Line);
        }
        if (token.Is("(")) return ParseParentheses();
        if (token.Is("[")) return ParseList(token.Line);
        if (token.Is("{")) return ParseDictionary(token.Line);
        throw new JinjaError(JinjaError.Syntax, $"unexpected '{token}'", token.Line);
    }

    private static JinjaExpression NamedValue(JinjaToken token) => token.Text switch
    {
        "true" or "True" => new JinjaConstant(true, token.Line),
        "false" or "False" => new JinjaConstant(false, token.Line),
        "none" or "None" => new JinjaConstant(null, token.Line),
        _ => new JinjaName(token.Text, token.Line),
    };

    private JinjaExpression ParseParentheses()
    {
        JinjaExpression value = ParseTuple(inParentheses: true);
        tokens.Expect(")");
        return value;
    }

    private JinjaListLiteral ParseList(int line)
    {
        var items = new List<JinjaExpression>();
        while (!tokens.Current.Is("]"))
        {
            if (items.Count > 0) tokens.Expect(",");
            if (tokens.Current.Is("]")) break;
            items.Add(Parse());
        }
        tokens.Expect("]");
        return new JinjaListLiteral(items, line);
    }

    private JinjaDictionaryLiteral ParseDictionary(int line)
    {
        var entries = new List<(JinjaExpression, JinjaExpression)>();
        while (!tokens.Current.Is("}"))
        {
            if (entries.Count > 0) tokens.Expect(",");
            if (tokens.Current.Is("}")) break;
            JinjaExpression key = Parse();
            tokens.Expect(":");
            entries.Add((key, Parse()));
        }
        tokens.Expect("}");
        return new JinjaDictionaryLiteral(entries, line);
    }

    private JinjaExpression ParsePostfix(JinjaExpression value)
    {
        while (true)
        {
            int line = tokens.Current.Line;
            if (tokens.Skip(".")) value = ParseMember(value, line);
            else if (tokens.Skip("[")) value = ParseSubscript(value, line);
            else if (tokens.Current.Is("(")) value = new JinjaCall(value, ParseArguments(), line);
            else return value;
        }
    }

    private JinjaExpression ParseMember(JinjaExpression owner, int line)
    {
        JinjaToken token = tokens.Next();
        if (token.Kind == JinjaTokenKind.Name) return new JinjaAttribute(owner, token.Text, line);
        if (token.Kind == JinjaTokenKind.Integer) return new JinjaItem(owner, new JinjaConstant(long.Parse(token.Text, CultureInfo.InvariantCulture), line), line);
        throw new JinjaError(JinjaError.Syntax, "expected name or number", token.Line);
    }

    private JinjaExpression ParseSubscript(JinjaExpression owner, int line)
    {
        JinjaExpression? start = tokens.Current.Is(":") ? null : Parse();
        if (!tokens.Skip(":"))
        {
            List<JinjaExpression> keys = [start!];
            while (tokens.Skip(",")) keys.Add(Parse());
            tokens.Expect("]");
            return new JinjaItem(owner, keys.Count == 1 ? keys[0] : new JinjaTupleLiteral(keys, line), line);
        }
        JinjaExpression? stop = tokens.Current.Is(":") || tokens.Current.Is("]") ? null : Parse();
        JinjaExpression? step = tokens.Skip(":") && !tokens.Current.Is("]") ? Parse() : null;
        tokens.Expect("]");
        return new JinjaSlice(owner, start, stop, step, line);
    }

    private JinjaArgumentList ParseArguments()
    {
        tokens.Expect("(");
        var positional = new List<JinjaExpression>();
        var named = new List<(string, JinjaExpression)>();
        JinjaExpression? star = null, starStar = null;
        bool first = true;
        while (!tokens.Current.Is(")"))
        {
            if (!first) tokens.Expect(",");
            first = false;
            if (tokens.Current.Is(")")) break;
            if (tokens.Skip("**")) starStar = Once(starStar);
            else if (tokens.Skip("*")) star = Once(star);
            else if (tokens.Current.Kind == JinjaTokenKind.Name && tokens.Following.Is("=")) named.Add((NameBeforeEquals(), Parse()));
            else if (named.Count > 0 || starStar is not null) throw tokens.Error("invalid syntax for function call expression");
            else positional.Add(Parse());
        }
        tokens.Expect(")");
        return new JinjaArgumentList(positional, named, star, starStar);
    }

    private JinjaExpression Once(JinjaExpression? before) => before is null ? Parse() : throw tokens.Error("invalid syntax for function call expression");

    private string NameBeforeEquals()
    {
        string name = tokens.Next().Text;
        tokens.Next();
        return name;
    }

    private JinjaExpression ParseFiltersAndTests(JinjaExpression value)
    {
        while (true)
        {
            int line = tokens.Current.Line;
            if (tokens.Skip("|")) value = new JinjaFilter(value, ParseDottedName(), tokens.Current.Is("(") ? ParseArguments() : JinjaArgumentList.Empty, line);
            else if (tokens.Current.IsName("is")) value = ParseTest(value, line);
            else if (tokens.Current.Is("(")) value = new JinjaCall(value, ParseArguments(), line);
            else return value;
        }
    }

    private JinjaExpression ParseTest(JinjaExpression value, int line)
    {
        tokens.Next();
        bool negated = tokens.Current.IsName("not");
        if (negated) tokens.Next();
        string name = ParseDottedName();
        JinjaArgumentList arguments = JinjaArgumentList.Empty;
        if (tokens.Current.Is("(")) arguments = ParseArguments();
        else if (BeginsTestArgument())
        {
            if (tokens.Current.IsName("is")) throw tokens.Error("You cannot chain multiple tests with is");
            arguments = new JinjaArgumentList([ParsePostfix(ParsePrimary())], [], null, null);
        }
        JinjaExpression test = new JinjaTest(value, name, arguments, line);
        return negated ? new JinjaNot(test, line) : test;
    }

    private bool BeginsTestArgument()
    {
        JinjaToken token = tokens.Current;
        return token.Kind is JinjaTokenKind.String or JinjaTokenKind.Integer or JinjaTokenKind.Float
            || token.Kind == JinjaTokenKind.Name && token.Text is not ("else" or "or" or "and" or "if" or "not" or "in")
            || token.Is("[") || token.Is("{");
    }

    private string ParseDottedName()
    {
        string name = tokens.Expect(JinjaTokenKind.Name).Text;
        while (tokens.Skip(".")) name += "." + tokens.Expect(JinjaTokenKind.Name).Text;
        return name;
    }
}
