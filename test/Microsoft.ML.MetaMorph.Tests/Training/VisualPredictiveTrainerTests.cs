using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class VisualPredictiveTrainerTests
{
    private static readonly VisualPredictiveTrainingOptions Options = new()
    {
        BatchSize = 8,
        LearningRate = 5e-3,
        MaximumSteps = 6,
        MaximumGradientNorm = 1,
        Precision = Precision.Float32,
    };

    [ClassInitialize]
    public static void BeginOneThread(TestContext _) => OneThread.Begin();

    [ClassCleanup]
    public static void EndOneThread() => OneThread.End();

    [TestMethod]
    public void LearnsToAnswerAndToPredictPicturesExactly()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = ToyTask.Model();
        TrainingRow[] rows = ToyTask.Rows(32);
        var source = new InMemoryTrainingSource(rows);
        var losses = new List<double>();
        using var trainer = new VisualPredictiveTrainer(model, Options with { MaximumSteps = 150, BatchSize = 16 });
        TrainingResult result = trainer.Train(source, source, p => losses.Add(p.TotalLoss));
        Assert.AreEqual(TrainingEnd.Completed, result.End);
        Assert.AreEqual(150, result.Steps);
        Assert.IsLessThan(0.1, result.Validation!.Value.Language);
        Assert.IsLessThan(-0.97, result.Validation!.Value.Visual);
        Assert.IsLessThan(losses[0] - 2, losses[^1]);
        foreach (TrainingRow row in rows) AssertExact(model, row);
    }

    [TestMethod]
    public void TheSameSeedGivesTheSameBitsAndAnotherOthers()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> first = Train(Options with { Seed = 5 }), second = Train(Options with { Seed = 5 }), other = Train(Options with { Seed = 6 });
        foreach (string name in first.Keys) Assert.IsTrue(ToyTask.SameBits(first[name], second[name]), name);
        Assert.IsFalse(first.Keys.All(name => ToyTask.SameBits(first[name], other[name])));
    }

    [TestMethod]
    public void AccumulationOverSmallSequencesIsOneBigBatch()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> whole = Train(Options), parts = Train(Options with { SequenceBudget = 1 }), recomputed = Train(Options with { ActivationCheckpointing = true });
        foreach (string name in whole.Keys)
        {
            Assert.IsLessThan(2e-4, (whole[name] - parts[name]).norm().item<float>() / whole[name].norm().item<float>(), name);
            Assert.IsTrue(ToyTask.SameBits(whole[name], recomputed[name]), name + " with recomputed activations");
        }
    }

    [TestMethod]
    public void StageOneChangesProjectorAndInputEmbeddingOnly()
    {
        using var scope = NewDisposeScope();
        MetaMorphConfig untied = ToyTask.Config with { Language = ToyTask.Config.Language with { TieWordEmbeddings = false } };
        using MetaMorphModel model = ToyTask.Model(config: untied);
        Dictionary<string, Tensor> before = ToyTask.Weights(model);
        using var trainer = new VisualPredictiveTrainer(model, Options with { Stage = VisualPredictiveStage.ConnectorPretraining });
        TrainingResult result = trainer.Train(new InMemoryTrainingSource(ToyTask.Rows(16)));
        Assert.AreEqual(0, result.Loss.VisualCount);
        foreach ((string name, Tensor after) in ToyTask.Weights(model))
        {
            bool learns = name.StartsWith("model.mm_projector.", StringComparison.Ordinal) || name == "model.embed_tokens.weight";
            Assert.AreEqual(!learns, ToyTask.SameBits(before[name], after), name);
        }
    }

    [TestMethod]
    public void AnInterruptedTrainingGoesOnAsIfItHadNotBeen()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> whole = Train(Options);
        using MetaMorphModel model = ToyTask.Model();
        var source = new InMemoryTrainingSource(ToyTask.Rows(20));
        Dictionary<string, Tensor> state;
        using (var trainer = new VisualPredictiveTrainer(model, Options))
        {
            using var stop = new CancellationTokenSource();
            TrainingResult result = trainer.Train(source, progress: p => CancelAt(stop, p, 4), cancellationToken: stop.Token);
            Assert.AreEqual(TrainingEnd.Cancelled, result.End);
            Assert.AreEqual(4, result.Steps);
            state = trainer.Optimizer.ExportState().ToDictionary(p => p.Key, p => p.Value.clone());
        }
        using var second = new VisualPredictiveTrainer(model, Options);
        second.Optimizer.ImportState(state);
        Assert.AreEqual(6, second.Train(source).Steps);
        foreach ((string name, Tensor weight) in ToyTask.Weights(model)) Assert.IsTrue(ToyTask.SameBits(whole[name], weight), name);
    }

    [TestMethod]
    public void ACancelledTrainingLeavesTheWeightsOfTheLastWholeStep()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor>? atThree = null;
        using MetaMorphModel model = ToyTask.Model();
        using var stop = new CancellationTokenSource();
        using var trainer = new VisualPredictiveTrainer(model, Options with { SequenceBudget = 12 });
        TrainingResult result = trainer.Train(
            new InMemoryTrainingSource(ToyTask.Rows(20)),
            progress: p =>
            {
                if (p.Step != 3) return;
                atThree = ToyTask.Weights(model);
                stop.Cancel();
            },
            cancellationToken: stop.Token);
        Assert.AreEqual(3, result.Steps);
        foreach ((string name, Tensor weight) in ToyTask.Weights(model)) Assert.IsTrue(ToyTask.SameBits(atThree![name], weight), name);
        Assert.IsTrue(double.IsFinite(trainer.Evaluate(new InMemoryTrainingSource(ToyTask.Rows(4))).Total(1)));
    }

    [TestMethod]
    public void ALossThatIsNotFiniteNamesStepAndRowsAndKeepsTheWeights()
    {
        using var scope = NewDisposeScope();
        TrainingRow[] rows = ToyTask.Rows(16);
        rows[13] = rows[13] with { VisualTokens = Enumerable.Repeat(float.NaN, ToyTask.Tokens * ToyTask.Width).ToArray(), Number = 1013 };
        using MetaMorphModel model = ToyTask.Model();
        using var trainer = new VisualPredictiveTrainer(model, Options with { BatchSize = 16, SequenceBudget = 1 });
        Dictionary<string, Tensor> before = ToyTask.Weights(model);
        TrainingDivergedException error = Assert.ThrowsExactly<TrainingDivergedException>(() => trainer.Train(new InMemoryTrainingSource(rows)));
        Assert.AreEqual(1, error.Step);
        CollectionAssert.AreEqual(new long[] { 1013 }, error.Rows.ToArray());
        foreach (string fact in new[] { "Step 1: ", ". Rows of the step: 1013. The model keeps the weights of step 0. " }) StringAssert.Contains(error.Message, fact);
        foreach ((string name, Tensor weight) in ToyTask.Weights(model)) Assert.IsTrue(ToyTask.SameBits(before[name], weight), name);
    }

    [TestMethod]
    public void ATimeBudgetEndsTheTrainingAndTheSchedule()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = ToyTask.Model();
        var rates = new List<double>();
        var clock = new TickingClock(TimeSpan.FromSeconds(1));
        using var trainer = new VisualPredictiveTrainer(model, Options with { MaximumSteps = null, MaximumSeconds = 60, WarmupRatio = 0.1 });
        TrainingResult result = trainer.Train(new InMemoryTrainingSource(ToyTask.Rows(20)), progress: p => rates.Add(p.LearningRate), clock: clock);
        Assert.AreEqual(TrainingEnd.TimeSpent, result.End);
        Assert.AreEqual(rates.Count, result.Steps);
        Assert.IsGreaterThan(8, rates.Count);
        Assert.AreEqual(5e-3, rates.Max(), 5e-4);
        Assert.IsLessThan(1e-4, rates[^1]);
    }

    [TestMethod]
    public void TensorsDoNotPileUpOverSteps()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = ToyTask.Model();
        var counts = new List<long>();
        var source = new InMemoryTrainingSource(ToyTask.Rows(8));
        using var trainer = new VisualPredictiveTrainer(model, Options with { MaximumSteps = 200, ValidationInterval = 50, AveragingDecay = 0.9 });
        trainer.Train(source, source, _ => counts.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount));
        Assert.AreEqual(200, counts.Count);
        Assert.AreEqual(counts[9], counts[^1]);
    }

    [TestMethod]
    public void ValidationRunsAtItsIntervalAndAtTheEnd()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = ToyTask.Model();
        var source = new InMemoryTrainingSource(ToyTask.Rows(20));
        var evaluated = new List<long>();
        using var trainer = new VisualPredictiveTrainer(model, Options with { ValidationInterval = 2, MaximumSteps = 5 });
        TrainingResult result = trainer.Train(source, source, p =>
        {
            if (p.Validation is not null) evaluated.Add(p.Step);
        });
        CollectionAssert.AreEqual(new long[] { 2, 4 }, evaluated);
        Assert.AreEqual(trainer.Evaluate(source).Total(1), result.Validation!.Value.Total(1), 1e-6);
    }

    [TestMethod]
    public void TheModelEndsWithTheAverageIfAskedFor()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> plain = Train(Options), averaged = Train(Options with { AveragingDecay = 0.999 });
        Assert.IsFalse(plain.Keys.All(name => ToyTask.SameBits(plain[name], averaged[name])));
        Dictionary<string, Tensor> start = ToyTask.Weights(ToyTask.Model());
        double Moved(Dictionary<string, Tensor> weights) => weights.Sum(p => (p.Value - start[p.Key]).norm().item<float>());
        Assert.IsLessThan(Moved(plain), Moved(averaged));
    }

    [TestMethod]
    public void BFloat16StaysWithinTheSpreadOfSeeds()
    {
        using var scope = NewDisposeScope();
        var options = Options with { MaximumSteps = 60 };
        double[][] single = [.. Enumerable.Range(1, 5).Select(seed => LossCurve(options with { Seed = seed }))];
        double[] low = LossCurve(options with { Seed = 1, Precision = Precision.BFloat16 });
        double[] spread = [.. low.Select((_, step) => single.Max(curve => curve[step]) - single.Min(curve => curve[step]))];
        double[] difference = [.. low.Select((loss, step) => Math.Abs(loss - single[0][step]))];
        string curves = string.Join("\n", low.Select((loss, step) => $"step {step + 1}: {loss:F4} instead of {single[0][step]:F4}, spread {spread[step]:F4}"));
        for (int step = 0; step < low.Length; step++) Assert.IsLessThanOrEqualTo(spread[step], difference[step], $"step {step + 1}\n{curves}");
        Assert.IsLessThan(spread.Average() / 20, difference.Average(), curves);
        Assert.IsGreaterThan(0, difference.Max(), "bfloat16 was not used");
        Assert.IsLessThan(low[0] - 2, low[^1], curves);
    }

    /// <summary>The total loss at every step; the seed decides the first weights and the order of the rows.</summary>
    private static double[] LossCurve(VisualPredictiveTrainingOptions options)
    {
        using MetaMorphModel model = ToyTask.Model(options.Seed);
        var losses = new List<double>();
        using var trainer = new VisualPredictiveTrainer(model, options);
        Assert.AreEqual(options.Precision == Precision.BFloat16, model.modules().OfType<Linear>().All(l => l.ComputeType == ScalarType.BFloat16));
        trainer.Train(new InMemoryTrainingSource(ToyTask.Rows(20)), progress: p => losses.Add(p.TotalLoss));
        Assert.HasCount(options.MaximumSteps!.Value, losses);
        return [.. losses];
    }

    private static Dictionary<string, Tensor> Train(VisualPredictiveTrainingOptions options)
    {
        using MetaMorphModel model = ToyTask.Model();
        using var trainer = new VisualPredictiveTrainer(model, options);
        trainer.Train(new InMemoryTrainingSource(ToyTask.Rows(20)));
        return ToyTask.Weights(model);
    }

    private static void CancelAt(CancellationTokenSource stop, TrainingProgress progress, long step)
    {
        if (progress.Step == step) stop.Cancel();
    }

    /// <summary>Every supervised text token is the most likely one, every visual token nearest to the right class.</summary>
    private static void AssertExact(MetaMorphModel model, TrainingRow row)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        (PackedSequence sequence, Tensor? visual) = ReferenceRows.Pack([row], model.Config);
        var targets = new LossTargets(sequence);
        Tensor hidden = model.Language.Hidden(model.Splice(sequence.Ids, visual), SequenceLayout.Causal)[0];
        CollectionAssert.AreEqual(targets.TextLabels, model.Language.Logits(hidden.index_select(0, tensor(targets.TextPositions))).argmax(-1).data<long>().ToArray(), $"row {row.Number}");
        if (targets.VisualPositions.Length == 0) return;
        float[][] pictures = ToyTask.Pictures();
        Tensor predicted = model.PredictVisualTokens(hidden.index_select(0, tensor(targets.VisualPositions))).flatten();
        double[] scores = [.. pictures.Select(p => (double)(predicted * tensor(p)).sum().item<float>())];
        Assert.IsTrue(pictures[Array.IndexOf(scores, scores.Max())].AsSpan().SequenceEqual(row.VisualTokens.Span), $"row {row.Number}: {string.Join(", ", scores)}");
    }

    /// <summary>A clock that moves on by a fixed step whenever it is read.</summary>
    private sealed class TickingClock(TimeSpan step) : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks += step.Ticks;
    }
}
