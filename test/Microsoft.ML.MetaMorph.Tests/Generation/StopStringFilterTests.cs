namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class StopStringFilterTests
{
    [TestMethod]
    [DataRow("no stop at all", "no stop at all", false)]
    [DataRow("one END two", "one ", true)]
    [DataRow("EN", "EN", false)]
    [DataRow("EEND", "E", true)]
    [DataRow("aab aaab", "aab ", true)]
    [DataRow("a\n\nb", "a", true)]
    public void HoweverTheTextIsCutTheSamePasses(string text, string expected, bool stops)
    {
        var random = new Random(3);
        for (int attempt = 0; attempt < 50; attempt++)
        {
            var filter = new StopStringFilter(["END", "aaa", "\n\n"]);
            string passed = "";
            for (int at = 0; at < text.Length && !filter.IsStopped;)
            {
                int length = Math.Min(random.Next(1, 4), text.Length - at);
                passed += filter.Append(text.Substring(at, length));
                Assert.IsTrue(expected.StartsWith(passed, StringComparison.Ordinal), $"'{passed}' passed too early");
                at += length;
            }
            Assert.AreEqual(stops, filter.IsStopped);
            Assert.AreEqual(expected, passed + filter.Flush());
        }
    }
}
