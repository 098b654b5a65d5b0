using FsCheck;
using FsCheck.Fluent;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A template that wants too much, or is no template, ends in one error and not in a crash.</summary>
[TestClass]
public sealed class JinjaSandboxTests
{
    private static string Render(string source) => JinjaTemplate.Parse(source).Render(new Dictionary<string, object?> { ["messages"] = new List<object?> { JinjaValue.From([("role", "user"), ("content", "Hi")]) } });

    [TestMethod]
    [DataRow("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")]
    [DataRow("{% for a in range(100000) %}{% for b in range(100000) if false %}{% endfor %}{% endfor %}")]
    [DataRow("{{ range(1000000) | list }}")]
    [DataRow("{{ 'a' * 1000000000 }}")]
    [DataRow("{{ [0] * 1000000000 }}")]
    [DataRow("{% set ns = namespace(s='a') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}")]
    [DataRow("{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}")]
    [DataRow("{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}")]
    [DataRow("{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | tojson }}")]
    [DataRow("{% set a = namespace(s=(1,), t=(1,)) %}{% for i in range(100) %}{% set a.s = (a.s, a.s) %}{% set a.t = (a.t, a.t) %}{% endfor %}{{ a.s == a.t }}{{ {a.s: 1}[a.t] }}")]
    [DataRow("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}")]
    [DataRow("{{ 'x' | center(1000000000) }}")]
    [DataRow("{{ 'x'.ljust(1000000000) }}")]
    [DataRow("{{ '7'.zfill(1000000000) }}")]
    [DataRow("{{ 'x' | indent(1000000000) }}")]
    [DataRow("{{ '%1000000000d' % 1 }}")]
    [DataRow("{{ '%.1000000000f' % 1 }}")]
    [DataRow("{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}")]
    [DataRow("{{ (['a' * 1000000] * 1000) | join }}")]
    [DataRow("{{ [1] | batch(1000000000, 0) | list }}{{ range(100000) | map('string') | map('center', 1000000) | list }}")]
    [DataRow("{% set s = 'a' * 10000000 %}{% for i in range(100) %}{% if s.islower() %}{% endif %}{% endfor %}")]
    [DataRow("{% set s = '😀' * 5000000 %}{% for i in range(100) %}{% if s | length %}{% endif %}{% endfor %}")]
    [DataRow("{% set s = '😀' * 5000000 %}{% for i in range(100) %}{% if s[i] %}{% endif %}{% endfor %}")]
    [DataRow("{% set s = 'a' * 10000000 %}{% for i in range(100) %}{% if 'b' in s %}{% endif %}{% endfor %}")]
    [DataRow("{% set s = 'a' * 10000000 %}{% set t = 'a' * 9999999 ~ 'a' %}{% for i in range(100) %}{% if s == t %}{% endif %}{% endfor %}")]
    [DataRow("{% set s = 'a' * 10000000 %}{% for i in range(100) %}{% if s is lower %}{% endif %}{% endfor %}")]
    [DataRow("{% set s = 'a' * 10000000 %}{% for i in range(100) %}{% if messages[0][s] %}{% endif %}{% endfor %}")]
    [DataRow("{% set s = 'a' * 10000000 %}{% for i in range(100) %}{% if {}.get(s) %}{% endif %}{% endfor %}")]
    [DataRow("{{ ('a' * 4000000) | join }}")]
    [DataRow("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [DataRow("{% macro f() %}{{ f() }}{{ f() }}{% endmacro %}{{ f() }}")]
    [DataRow("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}")]
    [DataRow("{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(100) }}")]
    [DataRow("{{ 9 ** 99999999999 }}")]
    [DataRow("{{ 9223372036854775807 + 1 }}")]
    [DataRow("{{ (-9223372036854775807 - 1) // -1 }}")]
    [DataRow("{{ 99999999999999999999 }}")]
    public void WantingTooMuchEndsInAnError(string template) => Assert.ThrowsExactly<JinjaError>(() => Render(template));

    /// <summary>Each goes through one or two million characters: done in their square it would never end, or copy terabytes.</summary>
    [TestMethod]
    [DataRow("{{ ('a ' * 500000).split() | length }}", "500000")]
    [DataRow("{{ ('a ' * 500000).rsplit() | length }}", "500000")]
    [DataRow("{{ ('a,' * 500000).rsplit(',') | length }}", "500001")]
    [DataRow("{{ ('<' * 1000000) | striptags | length }}", "1000000")]
    [DataRow("{{ ('<!--' * 500000) | striptags | length }}", "2000000")]
    [DataRow("{{ ('a' * 2000000).find('a' * 1000000 ~ 'b') }}", "-1")]
    [DataRow("{{ ('a' * 2000000).rfind('b' ~ 'a' * 1000000) }}", "-1")]
    [DataRow("{{ 'a' * 1000000 ~ 'b' in 'a' * 2000000 }}", "False")]
    [DataRow("{{ ('a' * 1000000).strip('b' * 1000000 ~ 'a') }}", "")]
    [DataRow("{{ range(100000)[::1] | length }}", "100000")]
    public void WorkGrowsWithTheLengthAlone(string template, string expected)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.AreEqual(expected, Render(template));
        Assert.IsLessThan(1L << 29, GC.GetAllocatedBytesForCurrentThread() - before, "bytes");
    }

    [TestMethod]
    public void AFormatWithoutEndIsRefusedAtOnce()
    {
        JinjaError error = Assert.ThrowsExactly<JinjaError>(() => Render("{{ ('%(' * 500000) % {} }}"));
        Assert.AreEqual(JinjaError.Value, error.Kind);
        StringAssert.Contains(error.Message, "the format at index 0 is incomplete or not supported");
    }

    /// <summary>What they give is what they gave before they were made to take less time; the values are Python's.</summary>
    [TestMethod]
    [DataRow("{{ '  a b  c '.split() }}{{ '  a b  c '.split(None, 1) }}", "['a', 'b', 'c']['a', 'b  c ']")]
    [DataRow("{{ '  a b  c '.rsplit() }}{{ '  a b  c '.rsplit(None, 1) }}", "['a', 'b', 'c']['  a b', 'c']")]
    [DataRow("{{ 'a,b,c'.rsplit(',', 1) }}{{ ''.rsplit(',') }}{{ ''.split() }}", "['a,b', 'c'][''][]")]
    [DataRow("{{ 'a<b>c</b> <!-- <i> --> d < e' | striptags }}", "ac d < e")]
    [DataRow("{{ 'a<!-- b > c' | striptags }}", "a c")]
    [DataRow("{{ '%s is %d%%: %(' ~ 'x)s' }}", "%s is %d%%: %(x)s")]
    [DataRow("{{ '%s is %d%%' % ('it', 5) }}{{ '<%(a)5.1f>' % {'a': 2} }}", "it is 5%<  2.0>")]
    [DataRow("{{ 'abcabcabcabcabcabcabcabd'.find('abcabcabcabcabcabd') }},{{ 'xabcabcabcabcabcabcabc'.rfind('abcabcabcabcabcabcabc') }}", "6,1")]
    [DataRow("{{ 'xxabcxx'.strip('x') }},{{ 'xxabcxx'.lstrip('x') }},{{ 'xxabcxx'.rstrip('xc') }}", "abc,abcxx,xxab")]
    public void LinearMethodsGiveWhatPythonGives(string template, string expected) => Assert.AreEqual(expected, Render(template));

    [TestMethod]
    [DataRow("(", "1", ")")]
    [DataRow("[", "1", "]")]
    [DataRow("{'a': ", "1", "}")]
    [DataRow("not ", "1", "")]
    [DataRow("-", "1", "")]
    [DataRow("1 if 0 else ", "1", "")]
    [DataRow("f(", "1", ")")]
    [DataRow("1 + ", "1", "")]
    [DataRow("1 ~ ", "1", "")]
    [DataRow("", "x", ".a")]
    [DataRow("", "x", "|upper")]
    [DataRow("", "x", "[0]")]
    public void DeepExpressionsEndInAnErrorOrAValue(string open, string inner, string close)
    {
        int count = 40_000;
        string source = "{{ " + string.Concat(Enumerable.Repeat(open, count)) + inner + string.Concat(Enumerable.Repeat(close, count)) + " }}";
        OnASmallStack(() => TryRender(source));
    }

    [TestMethod]
    public void DeepBlocksEndInAnError()
    {
        string source = string.Concat(Enumerable.Repeat("{% if true %}", 20_000)) + string.Concat(Enumerable.Repeat("{% endif %}", 20_000));
        OnASmallStack(() => TryRender(source));
    }

    [TestMethod]
    public void AHugeTemplateIsRefused() => Assert.AreEqual(JinjaError.Limit, Assert.ThrowsExactly<JinjaError>(() => JinjaTemplate.Parse(new string('x', JinjaBudget.MaximumSource + 1))).Kind);

    [TestMethod]
    public void NothingInsideIsReached()
    {
        foreach (string name in new[] { "__class__", "__globals__", "__init__", "__dict__", "__subclasses__" })
        {
            Assert.AreEqual("", Render($"{{{{ messages.{name} }}}}{{{{ ''['{name}'] }}}}"));
            Assert.AreEqual(JinjaError.Security, Assert.ThrowsExactly<JinjaError>(() => Render($"{{{{ messages.{name}.x }}}}")).Kind);
        }
        Assert.AreEqual(JinjaError.Security, Assert.ThrowsExactly<JinjaError>(() => Render("{{ messages[0].update({'role': 'x'}) }}")).Kind);
    }

    [TestMethod]
    public void AnyTextParsesOrIsRefused()
    {
        string[] parts = ["{{", "}}", "{%", "%}", "{#", "#}", "-", "+", " ", "\n", "if", "else", "endif", "for", "in", "endfor", "set", "=", "x", "1", "'a'", "\"", "\\", "|", "upper", "is", "not", "(", ")", "[", "]", "{", "}", ",", ".", ":", "**", "macro", "endmacro", "raw", "endraw", "é", "😀"];
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(3000), Prop.ForAll(Gen.ArrayOf(Gen.Elements(parts)).ToArbitrary(), row =>
        {
            TryRender(string.Concat(row));
            return true;
        }));
    }

    [TestMethod]
    public void TextWithoutTagsStaysAsItIs()
    {
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll<string>(text =>
        {
            string plain = (text ?? "").Replace("{", "").Replace("\r", "");
            return Render(plain) == (plain.EndsWith('\n') ? plain[..^1] : plain);
        }));
    }

    [TestMethod]
    public void AValueInJsonComesBack()
    {
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll<string>(text =>
        {
            string wellFormed = UnicodeCharacter.WellFormed(text ?? "");
            string json = JinjaTemplate.Parse("{{ q | tojson }}").Render(new Dictionary<string, object?> { ["q"] = wellFormed });
            return System.Text.Json.JsonSerializer.Deserialize<string>(json) == wellFormed;
        }));
    }

    private static void TryRender(string source)
    {
        try
        {
            Render(source);
        }
        catch (JinjaError)
        {
            // refused, as it may be
        }
    }

    private static void OnASmallStack(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception thrown)
            {
                failure = thrown;
            }
        }, 512 * 1024);
        thread.Start();
        thread.Join();
        Assert.IsNull(failure, failure?.ToString());
    }
}
