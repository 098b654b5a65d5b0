namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class SquareGridTests
{
    [TestMethod]
    [DataRow(1L, 1)]
    [DataRow(64L, 8)]
    [DataRow(2L, null)]
    [DataRow(63L, null)]
    [DataRow(65L, null)]
    [DataRow(0L, null)]
    [DataRow(-4L, null)]
    [DataRow(2147395600L, 46340)]
    [DataRow(4611686014132420609L, 2147483647)]
    [DataRow(4611686014132420610L, null)]
    [DataRow(long.MaxValue, null)]
    public void OnlySquaresHaveASide(long count, int? side) => Assert.AreEqual(side, SquareGrid.SideOf(count));
}
