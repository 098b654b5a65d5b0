using System.Diagnostics;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class SingleThreadTimerTests
{
    [TestMethod]
    public void OnlyTheCallingThreadIsAlone()
    {
        if (!SingleThreadTimer.IsAvailable) Assert.Inconclusive("This system's libtorch does not show OpenMP's count of threads.");
        int before = get_num_threads(), within = 0, elsewhere = 0;
        using (new SingleThreadTimer(CPU))
        {
            within = get_num_threads();
            var other = new Thread(() => elsewhere = get_num_threads());
            other.Start();
            other.Join();
        }

        Assert.AreEqual((1, before, before), (within, elsewhere, get_num_threads()));
    }

    /// <summary>What another device computes is no processor time of this thread: it is the clock on the wall that counts, and this thread's operations stay as they were.</summary>
    [TestMethod]
    public void ForAnotherDeviceTheClockOnTheWallCounts()
    {
        int before = get_num_threads();
        using var timer = new SingleThreadTimer(META);
        Assert.AreEqual(before, get_num_threads());
        double first = Stopwatch.GetElapsedTime(0).TotalSeconds, told = timer.Seconds, last = Stopwatch.GetElapsedTime(0).TotalSeconds;
        Assert.IsGreaterThanOrEqualTo(first, told);
        Assert.IsLessThanOrEqualTo(last, told);
    }

    [TestMethod]
    public void SecondsAreThoseThatTheThreadWorked()
    {
        using var timer = new SingleThreadTimer(CPU);
        // The span on the wall encloses the other.
        long wall = Stopwatch.GetTimestamp();
        double begin = timer.Seconds;
        using (Tensor values = ones(300, 300))
        {
            for (int i = 0; i < 20; i++) values.mm(values).Dispose();
        }

        double worked = timer.Seconds - begin;
        double elapsed = Stopwatch.GetElapsedTime(wall).TotalSeconds;
        Assert.IsGreaterThan(0, worked);
        Assert.IsLessThanOrEqualTo(elapsed, worked, "A thread cannot work longer than time passes.");
    }
}
