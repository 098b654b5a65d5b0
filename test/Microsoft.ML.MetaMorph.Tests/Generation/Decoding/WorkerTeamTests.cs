namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class WorkerTeamTests
{
    [TestMethod]
    [DataRow(1), DataRow(2), DataRow(5)]
    public void EveryItemIsDoneOnce(int threads)
    {
        using var team = new WorkerTeam(threads);
        var job = new Counting(1000);
        for (int round = 1; round <= 2000; round++)
        {
            team.Run(job, 1000, round % 97 + 1);
            Assert.IsTrue(job.Counts.All(c => c == round), $"round {round}");
        }
    }

    [TestMethod]
    public void CallersAtTheSameTimeDoNotMixTheirWork()
    {
        using var team = new WorkerTeam(3);
        Parallel.For(0, 4, _ =>
        {
            var job = new Counting(100);
            for (int round = 1; round <= 500; round++)
            {
                team.Run(job, 100, 7);
                Assert.IsTrue(job.Counts.All(c => c == round));
            }
        });
    }

    [TestMethod]
    public void AFailureReachesTheCallerAndTheTeamGoesOn()
    {
        using var team = new WorkerTeam(2);
        for (int i = 0; i < 20; i++) Assert.ThrowsExactly<InvalidDataException>(() => team.Run(new Failing(), 100, 1));
        var job = new Counting(10);
        team.Run(job, 10, 1);
        Assert.IsTrue(job.Counts.All(c => c == 1));
    }

    private sealed class Counting(int count) : TeamJob
    {
        public int[] Counts { get; } = new int[count];

        public override void Run(int begin, int end)
        {
            for (int i = begin; i < end; i++) Interlocked.Increment(ref Counts[i]);
        }
    }

    private sealed class Failing : TeamJob
    {
        public override void Run(int begin, int end) => throw new InvalidDataException($"{begin} to {end}");
    }
}
