using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Visual-Predictive Instruction Tuning with checkpoints, over rows in memory: wherever it is stopped, it ends with the weights of one that was not.</summary>
[TestClass]
public sealed class VisualPredictiveResumeTests
{
    // 10 rows, 4 a step: the third step of an epoch is a small one.
    private const int Count = 10, Steps = 7;

    private static readonly VisualPredictiveTrainingOptions Options = new() { BatchSize = 4, LearningRate = 5e-3, MaximumSteps = Steps, SequenceBudget = 12, Precision = Precision.Float32, MaximumGradientNorm = 1, Seed = 3 };

    private readonly List<string> _told = [];

    /// <summary>At every step in turn, each time by another process, as it were: nothing is left but the folder.</summary>
    [TestMethod]
    [DataRow(null, VisualPredictiveStage.InstructionTuning)]
    [DataRow(0.9, VisualPredictiveStage.InstructionTuning)]
    [DataRow(null, VisualPredictiveStage.ConnectorPretraining)]
    public void CancelledAtEveryStep(double? averaging, VisualPredictiveStage stage)
    {
        using var folder = new ScratchFolder();
        VisualPredictiveTrainingOptions options = Options with { AveragingDecay = averaging, Stage = stage };
        Dictionary<string, Tensor> whole = Train(options, checkpoints: null, out _);
        var epochs = new List<int>();
        for (int at = 1; at < Steps; at++)
        {
            using var stop = new CancellationTokenSource();
            Train(options, folder, out TrainingResult stopped, progress: step =>
            {
                epochs.Add(step.Epoch);
                stop.Cancel();
            }, stop: stop.Token);
            Assert.AreEqual((TrainingEnd.Cancelled, (long)at), (stopped.End, stopped.Steps));
        }

        Dictionary<string, Tensor> resumed = Train(options, folder, out TrainingResult result);
        Assert.AreEqual((TrainingEnd.Completed, (long)Steps), (result.End, result.Steps));
        CollectionAssert.AreEqual(new[] { 1, 1, 1, 2, 2, 2 }, epochs);
        AssertSame(whole, resumed);
    }

    /// <summary>What was learned is not taken again, and speed and positions go on where they were.</summary>
    [TestMethod]
    public void RowsThatWereLearnedArePassedOver()
    {
        using var folder = new ScratchFolder();
        var positions = new List<long>();
        Train(Options, checkpoints: null, out _, progress: step => positions.Add(step.Positions));
        using var stop = new CancellationTokenSource();
        Train(Options, folder, out _, progress: step => { if (step.Step == 2) stop.Cancel(); }, stop: stop.Token);
        var taken = new TakenRows();
        var resumed = new List<long>();
        Train(Options, folder, out _, source: taken, progress: step => resumed.Add(step.Positions));
        // 10 - 2 × 4 rows of the first epoch, 10 of the second, 4 of the third and 4 more that show that it goes on.
        Assert.AreEqual(2 + 10 + 4 + 4, taken.Taken);
        CollectionAssert.AreEqual(positions[2..], resumed);
    }

    [TestMethod]
    public void ValidationsAreThoseOfOneThatWasNotStopped()
    {
        using var folder = new ScratchFolder();
        VisualPredictiveTrainingOptions options = Options with { ValidationInterval = 3, AveragingDecay = 0.9 };
        var whole = new List<LossParts?>();
        Train(options, checkpoints: null, out TrainingResult end, validation: true, progress: step => whole.Add(step.Validation));
        using var stop = new CancellationTokenSource();
        var parts = new List<LossParts?>();
        Train(options, folder, out TrainingResult stopped, validation: true, progress: step =>
        {
            parts.Add(step.Validation);
            if (step.Step == 4) stop.Cancel();
        }, stop: stop.Token);
        Assert.IsNull(stopped.Validation);
        Train(options, folder, out TrainingResult resumed, validation: true, progress: step => parts.Add(step.Validation));
        CollectionAssert.AreEqual(whole, parts);
        CollectionAssert.AreEqual(new[] { 3, 6 }, Enumerable.Range(1, Steps).Where(step => parts[step - 1] is not null).ToArray());
        Assert.AreEqual(end.Validation, resumed.Validation);
        // A finished one is evaluated, and not trained.
        Train(options, folder, out TrainingResult again, validation: true, progress: _ => Assert.Fail("a step"));
        Assert.AreEqual((end.Validation, TrainingEnd.Completed, (long)Steps), (again.Validation, again.End, again.Steps));
    }

    [TestMethod]
    public void AFullDiskEndsTheRunAndTheLastCheckpointStaysWhole()
    {
        if (!File.Exists("/dev/full")) Assert.Inconclusive("This system has no /dev/full.");
        using var folder = new ScratchFolder();
        Dictionary<string, Tensor> whole = Train(Options, checkpoints: null, out _);
        int files = 0;
        Stream UntilFull(string path) => ++files <= 4 ? new FileStream(path, FileMode.CreateNew, FileAccess.Write) : new FileStream("/dev/full", FileMode.Open, FileAccess.Write);
        var steps = new List<long>();
        string message = Assert.ThrowsExactly<IOException>(() => Train(Options, folder, out _, progress: step => steps.Add(step.Step), create: UntilFull)).Message;
        StringAssert.StartsWith(message, "The checkpoint of step 3 (");
        StringAssert.Contains(message, $" bytes) cannot be written into '{folder.Path}': No space left on device");
        StringAssert.EndsWith(message, " The last one, 'step-00000002', is whole. Free space or give another CheckpointFolder, and fit again.");
        CollectionAssert.AreEqual(new long[] { 1, 2 }, steps);
        AssertSame(whole, Train(Options, folder, out _, progress: step => steps.Add(step.Step)));
        CollectionAssert.AreEqual(new long[] { 1, 2, 3, 4, 5, 6, 7 }, steps);
        Assert.Contains($"The training goes on from step 2 ('{folder["step-00000002"]}').", _told);
    }

    /// <summary>What was measured where the training began holds, whatever another machine would measure.</summary>
    [TestMethod]
    public void ThePrecisionIsTheOneItWasBegunIn()
    {
        using var folder = new ScratchFolder();
        using var stop = new CancellationTokenSource();
        Train(Options with { Precision = Precision.BFloat16 }, folder, out TrainingResult first, progress: _ => stop.Cancel(), stop: stop.Token);
        Train(Options with { Precision = Precision.Float32 }, folder, out TrainingResult second);
        Assert.AreEqual((ScalarType.BFloat16, first.Precision), (second.Precision.ComputeType, second.Precision));
    }

    [TestMethod]
    [DataRow(0, "The training was interrupted behind 8 rows of pass 1 over the rows, but the last of them is another one now.")]
    [DataRow(3, "The training was interrupted at row 8 of pass 1 over the rows, but there are only 7 rows.")]
    public void RowsThatChangedAreNoticed(int missing, string expected)
    {
        const string Advice = " A training goes on with the rows with which it was begun, in the same order: give the MLContext a seed where rows are split or shuffled, or give another CheckpointFolder.";
        using var folder = new ScratchFolder();
        using var stop = new CancellationTokenSource();
        Train(Options, folder, out _, progress: step => { if (step.Step == 2) stop.Cancel(); }, stop: stop.Token);
        TrainingRow[] rows = [.. ToyTask.Rows(Count)[missing..].Select(row => row with { VisualTokens = row.VisualTokens.ToArray().Select(value => value + (missing == 0 ? 1e-7f : 0)).ToArray() })];
        Assert.AreEqual(expected + Advice, Assert.ThrowsExactly<InvalidDataException>(() => Train(Options, folder, out _, source: new InMemoryTrainingSource(rows))).Message);
    }

    private Dictionary<string, Tensor> Train(
        VisualPredictiveTrainingOptions options,
        ScratchFolder? checkpoints,
        out TrainingResult result,
        TrainingSource? source = null,
        bool validation = false,
        Action<TrainingProgress>? progress = null,
        CancellationToken stop = default,
        Func<string, Stream>? create = null)
    {
        using MetaMorphModel model = ToyTask.Model();
        using TrainingCheckpoints? stored = checkpoints is null ? null : new TrainingCheckpoints(new CheckpointSettings(checkpoints.Path, Interval: 1, Count: 2), new TrainingFingerprint("Toy"), _told.Add, warning => Assert.Fail(warning), create);
        using var trainer = new VisualPredictiveTrainer(model, options, stored);
        TrainingSource? evaluated = validation ? new InMemoryTrainingSource(ToyTask.Rows(5, seed: 8)) : null;
        result = trainer.Train(source ?? new InMemoryTrainingSource(ToyTask.Rows(Count)), evaluated, progress, cancellationToken: stop);
        return ToyTask.Weights(model);
    }

    private static void AssertSame(Dictionary<string, Tensor> expected, Dictionary<string, Tensor> actual)
    {
        CollectionAssert.AreEquivalent(expected.Keys, actual.Keys);
        foreach ((string name, Tensor weight) in actual) Assert.IsTrue(ToyTask.SameBits(expected[name], weight), name);
    }

    /// <summary>Counts what is taken of it.</summary>
    private sealed class TakenRows : TrainingSource
    {
        private readonly InMemoryTrainingSource _rows = new(ToyTask.Rows(VisualPredictiveResumeTests.Count));

        public int Taken { get; private set; }

        public override long? Count => _rows.Count;

        public override IEnumerable<TrainingRow> Rows(int? seed, StreamPlace from = default) => _rows.Rows(seed, from).Select(row =>
        {
            Taken++;
            return row;
        });
    }
}
