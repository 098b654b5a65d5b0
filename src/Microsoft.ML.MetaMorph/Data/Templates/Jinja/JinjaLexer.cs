using System.Globalization;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Cuts a template into tokens, with white space as <c>transformers</c> sets it: <c>trim_blocks</c> and <c>lstrip_blocks</c> on, the last line end dropped.
/// </summary>
internal sealed class JinjaLexer
{
    private static readonly string[] Operators = ["//", "**", "==", "!=", "<=", ">=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", "<", ">", "=", ".", ":", "|", ",", ";"];

    private readonly string _source;
    private readonly List<JinjaToken> _tokens = [];
    private readonly Stack<char> _brackets = new();
    private int _position;
    private int _line = 1;
    private int _lineCounted;
    private bool _lineStarting = true;

    private JinjaLexer(string source) => _source = source;

    private int Line
    {
        get
        {
            for (; _lineCounted < _position; _lineCounted++)
            {
                if (_source[_lineCounted] == '\n') _line++;
            }
            return _line;
        }
    }

    public static List<JinjaToken> Tokenize(string source)
    {
        string text = source.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        if (text.EndsWith('\n')) text = text[..^1];
        var lexer = new JinjaLexer(text);
        lexer.Run();
        return lexer._tokens;
    }

    private void Run()
    {
        while (NextTag() is { } begin)
        {
            char kind = _source[begin + 1];
            int after = begin + 2;
            char sign = after < _source.Length && _source[after] is '-' or '+' ? _source[after] : '\0';
            AddData(_source[_position..begin], sign, isVariable: kind == '{');
            _position = after + (sign == '\0' ? 0 : 1);
            _lineStarting = false;
            if (kind == '#') SkipComment();
            else if (kind == '%' && BeginsRaw()) ReadRaw();
            else ReadTag(isBlock: kind == '%');
        }
        AddData(_source[_position..], '\0', isVariable: true);
        _position = _source.Length;
        Add(JinjaTokenKind.End, "");
    }

    private int? NextTag()
    {
        for (int at = _source.IndexOf('{', _position); at >= 0 && at + 1 < _source.Length; at = _source.IndexOf('{', at + 1))
        {
            if (_source[at + 1] is '{' or '%' or '#') return at;
        }
        return null;
    }

    private void AddData(string text, char sign, bool isVariable)
    {
        if (sign == '-') text = text.TrimEnd();
        else if (sign != '+' && !isVariable) text = StripLineStart(text);
        if (text.Length > 0) Add(JinjaTokenKind.Data, text);
    }

    /// <summary>Blanks between a line's start and a block tag.</summary>
    private string StripLineStart(string text)
    {
        int start = text.LastIndexOf('\n') + 1;
        return (start > 0 || _lineStarting) && text.AsSpan(start).IsWhiteSpace() ? text[..start] : text;
    }

    private void SkipComment()
    {
        int end = _source.IndexOf("#}", _position, StringComparison.Ordinal);
        if (end < 0) throw Error("Missing end of comment tag");
        char sign = end > _position ? _source[end - 1] : '\0';
        _position = end + 2;
        AfterTag(sign, trims: true);
    }

    /// <summary>White space after a tag: all of it after a minus, one line end after a block or comment.</summary>
    private void AfterTag(char sign, bool trims)
    {
        int start = _position;
        if (sign == '-')
        {
            while (_position < _source.Length && char.IsWhiteSpace(_source[_position])) _position++;
        }
        else if (sign != '+' && trims && _position < _source.Length && _source[_position] == '\n')
        {
            _position++;
        }
        _lineStarting = _position > start && _source[_position - 1] == '\n';
    }

    private bool BeginsRaw()
    {
        int at = SkipBlanks(_position);
        if (string.CompareOrdinal(_source, at, "raw", 0, 3) != 0) return false;
        at = SkipBlanks(at + 3);
        return Matches(at, "%}") || Matches(at, "-%}");
    }

    private void ReadRaw()
    {
        int at = SkipBlanks(SkipBlanks(_position) + 3);
        bool strips = _source[at] == '-';
        _position = at + (strips ? 3 : 2);
        AfterTag(strips ? '-' : '\0', trims: false);
        for (int tag = _source.IndexOf("{%", _position, StringComparison.Ordinal); tag >= 0; tag = _source.IndexOf("{%", tag + 1, StringComparison.Ordinal))
        {
            int after = tag + 2;
            char sign = after < _source.Length && _source[after] is '-' or '+' ? _source[after++] : '\0';
            int word = SkipBlanks(after);
            if (string.CompareOrdinal(_source, word, "endraw", 0, 6) != 0) continue;
            int end = SkipBlanks(word + 6);
            char endSign = end < _source.Length && _source[end] is '-' or '+' ? _source[end++] : '\0';
            if (!Matches(end, "%}")) continue;
            AddData(_source[_position..tag], sign, isVariable: false);
            _position = end + 2;
            AfterTag(endSign, trims: true);
            return;
        }
        throw Error("Missing end of raw directive");
    }

    private void ReadTag(bool isBlock)
    {
        Add(isBlock ? JinjaTokenKind.BlockBegin : JinjaTokenKind.VariableBegin, isBlock ? "{%" : "{{");
        string close = isBlock ? "%}" : "}}";
        _brackets.Clear();
        while (true)
        {
            if (_position >= _source.Length) return;
            if (_brackets.Count == 0 && TryEnd(close, isBlock)) return;
            ReadToken();
        }
    }

    private bool TryEnd(string close, bool isBlock)
    {
        char sign = _source[_position] == '-' || isBlock && _source[_position] == '+' ? _source[_position] : '\0';
        int at = _position + (sign == '\0' ? 0 : 1);
        if (!Matches(at, close)) return false;
        Add(isBlock ? JinjaTokenKind.BlockEnd : JinjaTokenKind.VariableEnd, close);
        _position = at + 2;
        AfterTag(sign, trims: isBlock);
        return true;
    }

    private void ReadToken()
    {
        char c = _source[_position];
        if (char.IsWhiteSpace(c)) _position++;
        else if (char.IsAsciiDigit(c)) ReadNumber();
        else if (c == '_' || char.IsLetter(c)) ReadName();
        else if (c is '\'' or '"') ReadString(c);
        else ReadOperator();
    }

    private void ReadName()
    {
        int start = _position;
        while (_position < _source.Length && (_source[_position] == '_' || char.IsLetterOrDigit(_source[_position]))) _position++;
        Add(JinjaTokenKind.Name, _source[start.._position]);
    }

    private void ReadNumber()
    {
        int start = _position;
        char second = _position + 1 < _source.Length ? char.ToLowerInvariant(_source[_position + 1]) : '\0';
        if (_source[start] == '0' && second is 'x' or 'o' or 'b')
        {
            int radix = second == 'x' ? 16 : second == 'o' ? 8 : 2;
            _position += 2;
            while (_position < _source.Length && (char.IsAsciiHexDigit(_source[_position]) || _source[_position] == '_')) _position++;
            AddInteger(_source[(start + 2).._position], radix);
            return;
        }
        ReadDigits();
        bool isFloat = ReadFraction();
        isFloat |= ReadExponent();
        string text = _source[start.._position].Replace("_", "");
        if (isFloat) Add(JinjaTokenKind.Float, text);
        else AddInteger(text, 10);
    }

    private void AddInteger(string text, int radix)
    {
        try
        {
            string digits = text.Replace("_", "");
            long value = radix == 10 ? long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture) : Convert.ToInt64(digits, radix);
            Add(JinjaTokenKind.Integer, value.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception wrong) when (wrong is FormatException or OverflowException or ArgumentException)
        {
            throw Error($"'{text}' is no integer of 64 bits");
        }
    }

    private void ReadDigits()
    {
        while (_position < _source.Length && (char.IsAsciiDigit(_source[_position]) || _source[_position] == '_')) _position++;
    }

    private bool ReadFraction()
    {
        if (_position + 1 >= _source.Length || _source[_position] != '.' || !char.IsAsciiDigit(_source[_position + 1])) return false;
        _position++;
        ReadDigits();
        return true;
    }

    private bool ReadExponent()
    {
        if (_position >= _source.Length || _source[_position] is not ('e' or 'E')) return false;
        int digits = _position + 1;
        if (digits < _source.Length && _source[digits] is '+' or '-') digits++;
        if (digits >= _source.Length || !char.IsAsciiDigit(_source[digits])) return false;
        _position = digits;
        ReadDigits();
        return true;
    }

    private void ReadString(char quote)
    {
        int end = _position + 1;
        while (end < _source.Length && _source[end] != quote) end += _source[end] == '\\' ? 2 : 1;
        if (end >= _source.Length) throw Error($"a string that begins with {quote} does not end");
        Add(JinjaTokenKind.String, JinjaStringLiteral.Unescape(_source.AsSpan(_position + 1, end - _position - 1), Line));
        _position = end + 1;
    }

    private void ReadOperator()
    {
        string? symbol = Operators.FirstOrDefault(o => Matches(_position, o));
        if (symbol is null) throw Error($"unexpected char '{_source[_position]}' at {_position}");
        Add(JinjaTokenKind.Operator, symbol);
        _position += symbol.Length;
        Balance(symbol[0]);
    }

    private void Balance(char symbol)
    {
        if (symbol is '(' or '[' or '{') _brackets.Push(symbol == '(' ? ')' : symbol == '[' ? ']' : '}');
        if (symbol is not (')' or ']' or '}')) return;
        if (!_brackets.TryPop(out char expected)) throw Error($"unexpected '{symbol}'");
        if (expected != symbol) throw Error($"unexpected '{symbol}', expected '{expected}'");
    }

    private int SkipBlanks(int at)
    {
        while (at < _source.Length && char.IsWhiteSpace(_source[at])) at++;
        return at;
    }

    private bool Matches(int at, string text) => string.CompareOrdinal(_source, at, text, 0, text.Length) == 0 && at + text.Length <= _source.Length;

    private void Add(JinjaTokenKind kind, string text) => _tokens.Add(new JinjaToken(kind, text, Line));

    private JinjaError Error(string text) => new(JinjaError.Syntax, text, Line);
}
