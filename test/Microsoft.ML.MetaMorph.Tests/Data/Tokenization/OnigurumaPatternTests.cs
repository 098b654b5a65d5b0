using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class OnigurumaPatternTests
{
    [TestMethod]
    [DataRow(@"a++b", @"(?>a+)b")]
    [DataRow(@"[^\r\n]?+x", @"(?>[^\r\n]?)x")]
    [DataRow(@"(?:ab)*+", @"(?>(?:ab)*)")]
    [DataRow(@"a{,2}", @"a{0,2}")]
    [DataRow(@"a{2}+", @"(?:a{2})+")]
    [DataRow(@"a{x}", @"a\{x\}")]
    [DataRow(@"\p{^L}", @"\P{L}")]
    [DataRow(@"(?m:.)", @"(?s:.)")]
    [DataRow(@"(?i:'s)S", @"(?i:'[sSſ])S")]
    [DataRow(@"\h", @"[0-9a-fA-F]")]
    public void ConstructsAreRewritten(string source, string expected) => Assert.AreEqual(expected, OnigurumaPattern.ToDotNet(source));

    [TestMethod]
    [DataRow("😀abc", "[^\\r\\n\\p{L}]?\\p{L}+", "😀abc")]
    [DataRow("𝒜bc", "\\p{L}+", "𝒜bc")]
    [DataRow("x𝟏𝟐", "\\p{N}", "x|𝟏|𝟐")]
    [DataRow("a𠀀漢", "\\p{Han}+", "a|𠀀漢")]
    public void CharactersBeyondTheBasicPlaneAreWhole(string text, string pattern, string parts)
    {
        TextPattern found = TextPattern.FromRegex(pattern);
        Assert.AreEqual(parts, string.Join('|', found.Parts(text).Select(p => text[p.Start..p.End])));
    }

    [TestMethod]
    public void ATranslatedPatternIsAPattern()
    {
        foreach (string source in new[] { @"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?+\p{L}++|\s+(?!\S)|\s+", @"[一-龥぀-ゟ]+", @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+", @"(?<!\S)a|\w+|[^\w\s]+" })
        {
            Assert.IsNotNull(new Regex(OnigurumaPattern.ToDotNet(source)));
        }
    }
}
