namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class TorchThreadTests
{
    [TestMethod]
    public async Task JobsTakeTurnsOnOneThread()
    {
        using var thread = new TorchThread("test", () => { });
        using var both = new ManualResetEventSlim();
        var log = new List<(string Job, int Thread)>();
        var first = new Job("a", 3, log, both.Wait);
        var second = new Job("b", 3, log);
        thread.Add(first);
        thread.Add(second);
        both.Set();
        await Task.WhenAll(first.Done, second.Done);
        string order = string.Concat(log.Select(entry => entry.Job));
        Assert.AreEqual((4, 4), (order.Count(c => c == 'a'), order.Count(c => c == 'b')));
        Assert.IsFalse(order.Contains("aaa", StringComparison.Ordinal) || order.Contains("bbb", StringComparison.Ordinal), order);
        Assert.HasCount(1, log.Select(entry => entry.Thread).Distinct().ToArray());
        Assert.AreNotEqual(Environment.CurrentManagedThreadId, log[0].Thread);
    }

    [TestMethod]
    public void StoppingTellsEveryJobAndWaitsForIt()
    {
        int ended = 0;
        var thread = new TorchThread("test", () => ended++);
        Job[] jobs = [new("a", int.MaxValue, []), new("b", int.MaxValue, [])];
        foreach (Job job in jobs) thread.Add(job);
        thread.Dispose();
        foreach (Job job in jobs) Assert.IsTrue(job.Done.IsCompletedSuccessfully);
        Assert.AreEqual(1, ended);
        thread.Dispose();
        Assert.AreEqual(1, ended, "once");
        Assert.ThrowsExactly<ObjectDisposedException>(() => thread.Add(jobs[0]));
    }

    [TestMethod]
    public void AThreadThatNeverHadAJobEndsToo()
    {
        int ended = 0;
        new TorchThread("test", () => ended++).Dispose();
        Assert.AreEqual(1, ended);
    }

    [TestMethod]
    public async Task AJobMayStopItsOwnThread()
    {
        TorchThread? thread = null;
        var ended = new TaskCompletionSource();
        thread = new TorchThread("test", ended.SetResult);
        var job = new Job("a", 2, [], () => thread.Dispose());
        thread.Add(job);
        await job.Done;
        await ended.Task;
    }

    private sealed class Job(string name, int steps, List<(string, int)> log, Action? atFirst = null) : ITorchJob
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _taken;

        public Task Done => _done.Task;

        public bool Step(bool stopping)
        {
            if (_taken == 0) atFirst?.Invoke();
            if (log.Count < 1000) log.Add((name, Environment.CurrentManagedThreadId));
            if (_taken++ < steps && !stopping) return true;
            _done.SetResult();
            return false;
        }
    }
}
