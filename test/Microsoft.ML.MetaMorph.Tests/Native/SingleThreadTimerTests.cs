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
        using (new SingleThreadTimer())
        {
            within = get_num_threads();
            var other = new Thread(() => elsewhere = get_num_threads());
            other.Start();
            other.Join();
        }

        Assert.AreEqual((1, before, before), (within, elsewhere, get_num_threads()));
    }

    [TestMethod]
    public void SecondsAreThoseThatTheThreadWorked()
    {
        using var timer = new SingleThreadTimer();
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
