using Quickstart;

namespace Scenes.Tests;

/// <summary>The exam of the Quickstart ends in time, whatever an answer costs; the clock is the test's own.</summary>
[TestClass]
public sealed class PortionsTests
{
    [TestMethod]
    [DataRow(1, 100, 10, 100)]       // ten portions of ten seconds: all of them, to the last second
    [DataRow(1, 99, 10, 90)]
    [DataRow(1, 34, 10, 30)]
    [DataRow(5, 99, 10, 10)]         // one takes fifty seconds, two would take a hundred
    [DataRow(5, 0, 10, 10)]          // the first is always done
    [DataRow(5, -3, 10, 10)]
    [DataRow(1, 1000, 32, 100)]      // the last one is smaller
    public void ThereIsNoPortionThatWouldEndTooLate(int seconds, int time, int size, int expected)
    {
        int spent = 0;
        List<int> results = Portions.Take(Enumerable.Range(0, 100).ToArray(), size, TimeSpan.FromSeconds(time), () => TimeSpan.FromSeconds(spent), portion =>
        {
            spent += seconds * portion.Count;
            return portion;
        });
        CollectionAssert.AreEqual(Enumerable.Range(0, expected).ToArray(), results);
        Assert.IsTrue(spent <= Math.Max(time, seconds * size), $"{spent} s of {time} s");
    }
}
