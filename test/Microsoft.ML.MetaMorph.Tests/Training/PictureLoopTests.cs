using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The loop over one weight whose gradient is always 1: AdamW then moves it by the learning rate, neither more nor less.</summary>
[TestClass]
public sealed class PictureLoopTests
{
    private const double Rate = 0.1;

    private static readonly AutoencoderTrainingOptions Options = new() { MaximumGradientNorm = null };

    private readonly Parameter _weight = new(ones(1));
    private readonly SetClock _clock = new();
    private readonly List<PictureProgress> _steps = [];
    private readonly List<Pictures> _batches = [];

    [TestMethod]
    public void ABudgetOfTimeSetsTheRateAtTheBeginningOfAStep()
    {
        (TrainingEnd end, double? loss) = Run(steps: null, seconds: 10, (_, _) =>
        {
            _clock.Now += TimeSpan.FromSeconds(4);
            return Learn(_batches.Count);
        });
        Assert.AreEqual((TrainingEnd.TimeSpent, 3.0), (end, loss));
        double[][] expected = [[1, 0.4, 1.0, 4], [2, 0.8, 0.6, 8], [3, 1, 0.2, 12]];
        Assert.HasCount(expected.Length, _steps);
        for (int i = 0; i < expected.Length; i++)
        {
            PictureProgress step = _steps[i];
            double[] actual = [step.Step, step.Share, step.LearningRate / Rate, step.Elapsed.TotalSeconds];
            for (int k = 0; k < actual.Length; k++) Assert.AreEqual(expected[i][k], actual[k], 1e-9, $"step {i + 1}, number {k}");
            Assert.AreEqual((null, 1.0, 0.5), (step.TotalSteps, step.GradientNorm, step.PicturesPerSecond));
        }
        Assert.AreEqual(1 - Rate * (1.0 + 0.6 + 0.2), _weight.item<float>(), 1e-6);
        Assert.HasCount(4, _batches);
        Assert.IsTrue(_batches.All(batch => batch.IsDisposed));
    }

    [TestMethod]
    public void NoBatchIsTakenAfterTheLastStep()
    {
        (TrainingEnd end, double? loss) = Run(steps: 2, seconds: null, (_, _) => Learn(7));
        Assert.AreEqual((TrainingEnd.Completed, 7.0), (end, loss));
        Assert.HasCount(2, _batches);
        Assert.IsTrue(_batches.All(batch => batch.IsDisposed));
        Assert.AreEqual(1 - Rate * (1.0 + 0.5), _weight.item<float>(), 1e-6);
    }

    [TestMethod]
    public void ACancelledStepMovesNothing()
    {
        (TrainingEnd end, double? loss) = Run(steps: 4, seconds: null, (_, rows) => Learn(5) is var learnt && rows.Step == 1 ? null : learnt);
        Assert.AreEqual((TrainingEnd.Cancelled, 5.0), (end, loss));
        Assert.HasCount(1, _steps);
        Assert.AreEqual(1 - Rate, _weight.item<float>(), 1e-6);
        Assert.IsTrue(_batches.All(batch => batch.IsDisposed));
    }

    [TestMethod]
    [DataRow(false, "2, 3", DisplayName = "counted")]
    [DataRow(true, "40, 41", DisplayName = "numbered by the data")]
    public void AGradientThatIsNotFiniteNamesTheRows(bool numbered, string rows)
    {
        TensorAssert.Throws<TrainingDivergedException>(
            () => Run(steps: 4, seconds: null, (_, step) => Learn(5, step.Step == 1 ? float.NaN : 1), numbered ? 20 : null),
            $"Step 2: the norm of the gradients is NaN. Rows of the step: {rows}. The model keeps the weights of step 1.");
        Assert.AreEqual(1 - Rate, _weight.item<float>(), 1e-6);
        Assert.IsTrue(_batches.All(batch => batch.IsDisposed));
    }

    private (TrainingEnd End, double? Loss) Run(long? steps, double? seconds, Func<Pictures, StepRows, double?> accumulate, long? firstRow = null)
    {
        using var optimizer = new AveragedOptimizer([new ParameterGroup("all", [("weight", _weight)])], Options);
        var schedule = new LearningRateSchedule { Kind = LearningRateScheduleKind.Linear, BaseRate = Rate, TotalSteps = 1 };
        var loop = new PictureLoop(optimizer, new TrainingPace(schedule, warmupRatio: 0, steps, seconds, _clock));
        return loop.Run(Batches(firstRow), accumulate, (step, _) => _steps.Add(step));
    }

    private double? Learn(double loss, float gradient = 1)
    {
        using var scope = NewDisposeScope();
        (_weight * gradient).sum().backward();
        return loss;
    }

    private IEnumerable<Pictures> Batches(long? firstRow)
    {
        while (true)
        {
            _batches.Add(new Pictures(firstRow is { } first ? [_batches.Count * first + first, _batches.Count * first + first + 1] : null));
            yield return _batches[^1];
        }
    }

    private sealed class Pictures(IReadOnlyList<long>? rows) : IPictureBatch
    {
        public long Count => 2;

        public IReadOnlyList<long>? Rows => rows;

        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }

    private sealed class SetClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
