namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class LossPartsTests
{
    /// <summary>A loss that a batch does not have is no zero.</summary>
    [TestMethod]
    [DataRow(4, 0, "language 1.5")]
    [DataRow(0, 8, "visual -0.25")]
    [DataRow(4, 8, "language 1.5, visual -0.25")]
    [DataRow(0, 0, "")]
    public void OnlyWhatIsThereIsTold(int language, int visual, string expected)
        => Assert.AreEqual(expected, new LossParts(1.5 * language, language, -0.25 * visual, visual).Parts);
}
