using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The loop with checkpoints over one weight whose gradient is always 1: AdamW then moves it by the learning rate, neither more nor less.</summary>
[TestClass]
public sealed class InterruptedLoopTests
{
    private const double Rate = 0.1;

    private static readonly AutoencoderTrainingOptions Options = new() { MaximumGradientNorm = null };

    private readonly SetClock _clock = new();
    private readonly List<PictureProgress> _steps = [];
    private readonly List<string> _told = [];
    private Parameter _weight = new(ones(1));

    /// <summary>What earlier runs took of a budget of time is spent; the time between runs is not.</summary>
    [TestMethod]
    public void ABudgetOfTimeGoesOnWhereItWas()
    {
        using var folder = new ScratchFolder();
        Assert.AreEqual(TrainingEnd.Cancelled, Run(folder, steps: null, seconds: 10, cancelAfter: 1));
        _clock.Now += TimeSpan.FromHours(1);
        Assert.AreEqual(TrainingEnd.TimeSpent, Run(folder, steps: null, seconds: 10));
        double[][] expected = [[1, 0.4, 1.0, 4, 0.5], [2, 0.8, 0.6, 8, 0.5], [3, 1, 0.2, 12, 0.5]];
        Assert.HasCount(expected.Length, _steps);
        for (int i = 0; i < expected.Length; i++)
        {
            PictureProgress step = _steps[i];
            double[] actual = [step.Step, step.Share, step.LearningRate / Rate, step.Elapsed.TotalSeconds, step.PicturesPerSecond];
            for (int k = 0; k < actual.Length; k++) Assert.AreEqual(expected[i][k], actual[k], 1e-9, $"step {i + 1}, number {k}");
        }

        Assert.AreEqual(1 - Rate * (1.0 + 0.6 + 0.2), _weight.item<float>(), 1e-6);
        Assert.AreEqual(TrainingEnd.TimeSpent, Run(folder, steps: null, seconds: 10));
        Assert.HasCount(3, _steps);
    }

    [TestMethod]
    public void WhatWasMeasuredOnceHoldsForTheWholeTraining()
    {
        using var folder = new ScratchFolder();
        Run(folder, steps: 4, seconds: null, cancelAfter: 1, resolve: () => new PrecisionChoice(ScalarType.BFloat16, "measured then"));
        Run(folder, steps: 4, seconds: null, resolve: () => throw new InvalidOperationException("Nobody measures again."));
        CollectionAssert.AreEqual(new[] { "BFloat16 (measured then)", "BFloat16 (measured then)" }, _told.Where(line => line.StartsWith("BFloat16", StringComparison.Ordinal)).ToArray());
    }

    [TestMethod]
    public void AFullDiskEndsTheRunAndItGoesOnFromTheLastWholeOne()
    {
        if (!File.Exists("/dev/full")) Assert.Inconclusive("This system has no /dev/full.");
        using var folder = new ScratchFolder();
        int files = 0;
        Stream UntilFull(string path) => ++files <= 2 ? new FileStream(path, FileMode.CreateNew, FileAccess.Write) : new FileStream("/dev/full", FileMode.Open, FileAccess.Write);
        string told = Assert.ThrowsExactly<IOException>(() => Run(folder, steps: 4, seconds: null, create: UntilFull)).Message;
        StringAssert.StartsWith(told, $"The checkpoint of step 2 (20 bytes) cannot be written into '{folder.Path}': No space left on device");
        StringAssert.EndsWith(told, " The last one, 'step-00000001', is whole. Free space or give another CheckpointFolder, and fit again.");
        Assert.HasCount(1, _steps);

        _weight = new Parameter(ones(1));
        Assert.AreEqual(TrainingEnd.Completed, Run(folder, steps: 4, seconds: null));
        Assert.Contains($"The training goes on from step 1 ('{folder["step-00000001"]}').", _told);
        CollectionAssert.AreEqual(new long[] { 1, 2, 3, 4 }, _steps.Select(step => step.Step).ToArray());
        Assert.AreEqual(1 - Rate * (1.0 + 0.75 + 0.5 + 0.25), _weight.item<float>(), 1e-6);
    }

    [TestMethod]
    public void NothingIsWrittenBeforeTheFirstStep()
    {
        using var folder = new ScratchFolder();
        Assert.AreEqual(TrainingEnd.Cancelled, Run(folder, steps: 4, seconds: null, cancelAfter: 0));
        Assert.IsEmpty(Directory.GetFileSystemEntries(folder.Path));
    }

    private TrainingEnd Run(ScratchFolder folder, long? steps, double? seconds, long cancelAfter = long.MaxValue, Func<PrecisionChoice>? resolve = null, Func<string, Stream>? create = null)
    {
        using var checkpoints = new TrainingCheckpoints(new CheckpointSettings(folder.Path, Interval: 1, Count: 2), new TrainingFingerprint("Toy"), _told.Add, warning => Assert.Fail(warning), create);
        using var optimizer = new AveragedOptimizer([new ParameterGroup("all", [("weight", _weight)])], Options);
        _told.Add(checkpoints.Begin(optimizer, resolve ?? (() => new PrecisionChoice(ScalarType.Float32, "asked for"))).ToString());
        var schedule = new LearningRateSchedule { Kind = LearningRateScheduleKind.Linear, BaseRate = Rate, TotalSteps = 1 };
        var loop = new PictureLoop(optimizer, new TrainingPace(schedule, warmupRatio: 0, steps, seconds, _clock, checkpoints.Elapsed), checkpoints);
        return loop.Run<Pictures, double>(Batches(), (_, rows) => rows.Step < cancelAfter ? Learn() : null, (step, _) => _steps.Add(step)).End;
    }

    private double? Learn()
    {
        using var scope = NewDisposeScope();
        (_weight * 1f).sum().backward();
        _clock.Now += TimeSpan.FromSeconds(4);
        return 5;
    }

    private static IEnumerable<Pictures> Batches()
    {
        for (long row = 0; ; row++) yield return new Pictures(new StreamPlace(0, row, 2));
    }

    private sealed record Pictures(StreamPlace? Next) : IPictureBatch
    {
        public long Count => 2;

        public IReadOnlyList<long>? Rows => null;

        public void Dispose()
        {
        }
    }

    private sealed class SetClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
