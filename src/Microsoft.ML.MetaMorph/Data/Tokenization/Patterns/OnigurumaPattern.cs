using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Rewrites a regular expression of a published tokenizer (Oniguruma's Ruby syntax) for .NET: possessive quantifiers, <c>\p</c> names, <c>\w</c>,
/// the letters that fold to ſ and K, and multi-line flags. What .NET cannot express is refused with the construct's name.
/// </summary>
internal sealed class OnigurumaPattern
{
    private const string WordCharacters = @"\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\u24B6-\u24E9";

    // a bare \w of Oniguruma counts Latin-1's superscripts and fractions too, one within brackets does not
    private const string BareWordCharacters = WordCharacters + @"\u00B2\u00B3\u00B9\u00BC-\u00BE";
    private const string HanCharacters = @"\u2E80-\u2E99\u2E9B-\u2EF3\u2F00-\u2FD5\u3005\u3007\u3021-\u3029\u3038-\u303B\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFA6D\uFA70-\uFAD9";

    private static readonly Dictionary<string, string> Classes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Letter"] = @"\p{L}",
        ["Mark"] = @"\p{M}",
        ["Number"] = @"\p{N}",
        ["Punctuation"] = @"\p{P}",
        ["Symbol"] = @"\p{S}",
        ["Separator"] = @"\p{Z}",
        ["Other"] = @"\p{C}",
        ["Alpha"] = @"\p{L}\p{Nl}\p{M}",
        ["Digit"] = @"\p{Nd}",
        ["Space"] = @"\s",
        ["Upper"] = @"\p{Lu}",
        ["Lower"] = @"\p{Ll}",
        ["Punct"] = @"\p{P}",
        ["Han"] = HanCharacters,
        ["Hiragana"] = @"\u3041-\u3096\u309D-\u309F",
        ["Katakana"] = @"\u30A1-\u30FA\u30FD-\u30FF\u31F0-\u31FF\u32D0-\u32FE\u3300-\u3357\uFF66-\uFF6F\uFF71-\uFF9D",
        ["Hangul"] = @"\u1100-\u11FF\u302E\u302F\u3131-\u318E\u3200-\u321E\u3260-\u327E\uA960-\uA97C\uAC00-\uD7A3\uD7B0-\uD7C6\uD7CB-\uD7FB\uFFA0-\uFFBE\uFFC2-\uFFC7\uFFCA-\uFFCF\uFFD2-\uFFD7\uFFDA-\uFFDC",
    };

    private readonly string _source;
    private readonly StringBuilder _output = new();
    private readonly Stack<(int Start, bool IgnoreCase)> _groups = new();
    private int _position;
    private int _atom = -1;
    private bool _ignoreCase;

    private OnigurumaPattern(string source) => _source = source;

    /// <summary>The same expression for <see cref="Regex"/>.</summary>
    /// <exception cref="NotSupportedException">The pattern uses what .NET has no counterpart for.</exception>
    public static string ToDotNet(string source) => new OnigurumaPattern(source).Translate();

    private string Translate()
    {
        while (_position < _source.Length) TranslateNext();
        return _output.ToString();
    }

    private void TranslateNext()
    {
        char c = _source[_position];
        switch (c)
        {
            case '\\': BeginAtom(); TranslateEscape(inClass: false); break;
            case '[': BeginAtom(); TranslateClass(); break;
            case '(': TranslateGroup(); break;
            case ')': CloseGroup(); break;
            case '*' or '+' or '?': TranslateQuantifier(c.ToString()); break;
            case '{': TranslateBraces(); break;
            case '^' or '$' or '|': _output.Append(c); _position++; _atom = -1; break;
            default: BeginAtom(); TranslateLiteral(c, inClass: false); _position++; break;
        }
    }

    private void BeginAtom() => _atom = _output.Length;

    private void TranslateLiteral(char c, bool inClass)
    {
        if (char.IsSurrogate(c)) throw Unsupported("a character beyond U+FFFF");
        string? folds = !_ignoreCase ? null : c switch { 's' or 'S' => "sS\u017F", 'k' or 'K' => "kK\u212A", _ => null };
        if (folds is not null) _output.Append(inClass ? folds : $"[{folds}]");
        else if (c == '}' || c == ']') _output.Append('\\').Append(c);
        else _output.Append(c);
    }

    private void TranslateGroup()
    {
        _groups.Push((_output.Length, _ignoreCase));
        Match flags = Regex.Match(_source[_position..], @"^\(\?(?<on>[imx]*)(?:-(?<off>[imx]+))?(?<end>[:)])");
        if (flags.Success && (flags.Groups["on"].Length > 0 || flags.Groups["off"].Success)) TranslateFlags(flags);
        else if (string.CompareOrdinal(_source, _position, "(?#", 0, 3) == 0) SkipComment();
        else CopyGroupStart();
    }

    private void TranslateFlags(Match flags)
    {
        string on = flags.Groups["on"].Value, off = flags.Groups["off"].Value;
        if (on.Contains('x')) throw Unsupported("the flag (?x)");
        if (on.Contains('i')) _ignoreCase = true;
        if (off.Contains('i')) _ignoreCase = false;
        // Ruby's m lets the dot match a line end; .NET calls that s
        _output.Append($"(?{on.Replace('m', 's')}{(off.Length > 0 ? "-" + off.Replace('m', 's').Replace("x", "") : "")}{flags.Groups["end"].Value}");
        _position += flags.Length;
        _atom = -1;
        // (?i) holds to the end of the group around it, which is the one already on the stack
        if (flags.Groups["end"].Value == ")") _groups.Pop();
    }

    private void SkipComment()
    {
        int end = _source.IndexOf(')', _position);
        if (end < 0) throw Unsupported("a comment that does not end");
        _groups.Pop();
        _position = end + 1;
    }

    private void CopyGroupStart()
    {
        Match start = Regex.Match(_source[_position..], @"^\((\?(:|=|!|>|<=|<!|<[A-Za-z_]\w*>))?");
        if (start.Length == 1 && string.CompareOrdinal(_source, _position + 1, "?", 0, 1) == 0) throw Unsupported($"the group '{_source.AsSpan(_position, Math.Min(4, _source.Length - _position))}…'");
        _output.Append(start.Value);
        _position += start.Length;
        _atom = -1;
    }

    private void CloseGroup()
    {
        if (_groups.Count == 0) throw Unsupported("a ')' without its '('");
        (_atom, _ignoreCase) = _groups.Pop();
        _output.Append(')');
        _position++;
    }

    private void TranslateBraces()
    {
        Match range = Regex.Match(_source[_position..], @"^\{(?<from>\d*)(?<comma>,)?(?<to>\d*)\}");
        bool counts = range.Success && (range.Groups["from"].Length > 0 || range.Groups["to"].Length > 0);
        if (!counts || _atom < 0)
        {
            BeginAtom();
            _output.Append(@"\{");
            _position++;
            return;
        }
        string from = range.Groups["from"].Length > 0 ? range.Groups["from"].Value : "0";
        _position += range.Length - 1;
        TranslateQuantifier($"{{{from}{range.Groups["comma"].Value}{range.Groups["to"].Value}}}");
    }

    /// <summary>Appends a quantifier; the position stands at its last character.</summary>
    private void TranslateQuantifier(string quantifier)
    {
        if (_atom < 0) throw Unsupported($"the quantifier '{quantifier}' with nothing before it");
        _output.Append(quantifier);
        _position++;
        char next = _position < _source.Length ? _source[_position] : '\0';
        if (next == '?')
        {
            _output.Append('?');
            _position++;
        }
        else if (next == '+')
        {
            // x++ keeps what it took; after braces the plus is a second quantifier
            bool possessive = quantifier[0] != '{';
            _output.Insert(_atom, possessive ? "(?>" : "(?:").Append(possessive ? ")" : ")+");
            _position++;
        }
    }

    private void TranslateClass()
    {
        _output.Append('[');
        _position++;
        if (Peek() == '^') Copy();
        bool first = true;
        while (true)
        {
            char c = Peek();
            if (c == '\0') throw Unsupported("a '[' without its ']'");
            if (c == ']' && !first) break;
            first = false;
            if (c == '\\') TranslateEscape(inClass: true);
            else if (c == '[') throw Unsupported(Peek(1) == ':' ? "a POSIX class like [:alpha:]" : "a class inside a class");
            else if (c == '&' && Peek(1) == '&') throw Unsupported("an intersection (&&) of classes");
            else { TranslateLiteral(c, inClass: true); _position++; }
        }
        Copy();
    }

    private char Peek(int ahead = 0) => _position + ahead < _source.Length ? _source[_position + ahead] : '\0';

    private void Copy() => _output.Append(_source[_position++]);

    private void TranslateEscape(bool inClass)
    {
        char c = Peek(1);
        switch (c)
        {
            case 'p' or 'P': TranslateProperty(c == 'P', inClass); return;
            case 'w' or 'W': AppendClass(inClass ? WordCharacters : BareWordCharacters, c == 'W', inClass); break;
            case 'h' or 'H': AppendClass("0-9a-fA-F", c == 'H', inClass); break;
            case 'x' when Peek(2) == '{': TranslateCodePoint(); return;
            case 'R' when !inClass: _output.Append(@"(?>\r\n|[\n\v\f\r\x85\u2028\u2029])"); break;
            case 'X' or 'K' or 'g' or 'G' or 'N' or 'O' or 'y' or 'Y' or 'R' or '\0': throw Unsupported($"the escape '\\{c}'");
            default:
                if (char.IsAsciiLetterOrDigit(c)) _output.Append('\\').Append(c);
                else if (c is '_' or > '\x7F') _output.Append(c);
                else _output.Append('\\').Append(c);
                break;
        }
        _position += 2;
    }

    private void TranslateProperty(bool negated, bool inClass)
    {
        int end = _source.IndexOf('}', _position);
        if (Peek(2) != '{' || end < 0) throw Unsupported(@"a \p without a name in braces");
        string name = _source[(_position + 3)..end];
        if (name.StartsWith('^'))
        {
            negated = !negated;
            name = name[1..];
        }
        _position = end + 1;
        if (Regex.IsMatch(name, @"^([LMNPSZC]|L[ultmo]|M[nce]|N[dlo]|P[cdseifo]|S[mcko]|Z[slp]|C[cfson])$")) _output.Append(negated ? @"\P{" : @"\p{").Append(name).Append('}');
        else if (Classes.TryGetValue(name, out string? characters)) AppendClass(characters, negated, inClass);
        else throw Unsupported($"the property \\p{{{name}}}");
    }

    private void AppendClass(string characters, bool negated, bool inClass)
    {
        if (inClass && negated) throw Unsupported("a negated class inside a class");
        _output.Append(inClass ? characters : negated ? $"[^{characters}]" : $"[{characters}]");
    }

    private void TranslateCodePoint()
    {
        int end = _source.IndexOf('}', _position);
        if (end < 0 || !int.TryParse(_source.AsSpan(_position + 3, end - _position - 3), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int code)) throw Unsupported(@"an \x{…} that is no number");
        if (code > 0xFFFF) throw Unsupported("a character beyond U+FFFF");
        _output.Append($"\\u{code:X4}");
        _position = end + 1;
    }

    private NotSupportedException Unsupported(string what) => new($"The pattern '{_source}' uses {what}, which is not supported");
}
