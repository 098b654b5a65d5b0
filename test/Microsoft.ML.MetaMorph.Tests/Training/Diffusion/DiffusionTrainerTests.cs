using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class DiffusionTrainerTests
{
    private static readonly SchedulerConfig Config = SchedulerConfig.CosineVelocity;

    private static readonly VisualizerTrainingOptions Options = VisualizerTrainingOptions.FromNothing with
    {
        BatchSize = 6,
        LearningRate = 5e-3,
        MaximumSteps = 6,
        AveragingDecay = null,
        Precision = Precision.Float32,
    };

    [ClassInitialize]
    public static void BeginOneThread(TestContext _) => OneThread.Begin();

    [ClassCleanup]
    public static void EndOneThread() => OneThread.End();

    [TestMethod]
    public void LearnsToDrawWhatTheTokensSay()
    {
        using var scope = NewDisposeScope();
        using var visualizer = new ToyVisualizer();
        using var trainer = new DiffusionTrainer(visualizer, new PlainCodec(), Config, Options with { MaximumSteps = 400, BatchSize = 16, AveragingDecay = 0.95 });
        double before = trainer.Evaluate([ToyVisualizer.Batch(32)]);
        var losses = new List<double>();
        VisualizerResult result = trainer.Train(ToyVisualizer.Batches(16), progress: p => losses.Add(p.Loss));
        Assert.AreEqual(TrainingEnd.Completed, result.End);
        Assert.AreEqual(400, result.Steps);
        Assert.HasCount(400, losses);
        Assert.IsLessThan(before / 4, trainer.Evaluate([ToyVisualizer.Batch(32)]));

        using VisualizerBatch asked = ToyVisualizer.Batch(4);
        Tensor drawn = new PictureSampler(visualizer, new PlainCodec(), Config).Draw(asked.VisualTokens, [1, 2, 3, 4], new ImageGenerationOptions { Steps = 20, GuidanceScale = 1.5 });
        Assert.IsLessThan(0.15f, (drawn - asked.Pictures).abs().mean().item<float>());
    }

    [TestMethod]
    public void PartsOfAStepAddUpToIt()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> whole = Train(Options), parts = Train(Options with { PicturesAtATime = 4 }), single = Train(Options with { PicturesAtATime = 1 });
        foreach (string name in whole.Keys)
        {
            TensorAssert.AreClose(whole[name], parts[name], 1e-4, name);
            TensorAssert.AreClose(whole[name], single[name], 1e-4, name);
        }
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
    [DataRow(VisualizerParts.Adapter, "denoiser.")]
    [DataRow(VisualizerParts.Denoiser, "adapter.")]
    [DataRow(VisualizerParts.AdapterAndDenoiser, "nothing")]
    public void WhatDoesNotLearnKeepsEveryBit(VisualizerParts parts, string frozen)
    {
        using var scope = NewDisposeScope();
        using var start = new ToyVisualizer();
        Dictionary<string, Tensor> before = start.Weights(), after = Train(Options with { Parts = parts, WeightDecay = 0.1 });
        foreach ((string name, Tensor weight) in before)
            Assert.AreEqual(name.StartsWith(frozen, StringComparison.Ordinal), ToyTask.SameBits(weight, after[name]), name);
    }

    [TestMethod]
    public void DroppedConditioningTeachesTheAdapterNothing()
    {
        using var scope = NewDisposeScope();
        using var start = new ToyVisualizer();
        Dictionary<string, Tensor> before = start.Weights(), after = Train(Options with { ConditioningDropout = 1, WeightDecay = 0 });
        foreach ((string name, Tensor weight) in before) Assert.AreEqual(name.StartsWith("adapter.", StringComparison.Ordinal), ToyTask.SameBits(weight, after[name]), name);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AnInterruptedTrainingGoesOnAsIfItHadNotBeen(bool averaging)
    {
        using var scope = NewDisposeScope();
        VisualizerTrainingOptions options = Options with { AveragingDecay = averaging ? 0.9 : null };
        Dictionary<string, Tensor> whole = Train(options);
        using var visualizer = new ToyVisualizer();
        Dictionary<string, Tensor> state;
        using (var trainer = new DiffusionTrainer(visualizer, new PlainCodec(), Config, options))
        {
            using var stop = new CancellationTokenSource();
            VisualizerResult result = trainer.Train(ToyVisualizer.Batches(6), progress: p => CancelAt(stop, p, 4), cancellationToken: stop.Token);
            Assert.AreEqual(TrainingEnd.Cancelled, result.End);
            Assert.AreEqual(4, result.Steps);
            state = trainer.ExportState().ToDictionary(p => p.Key, p => p.Value.clone());
        }
        using var second = new DiffusionTrainer(visualizer, new PlainCodec(), Config, options);
        second.ImportState(state);
        Assert.AreEqual(6, second.Train(ToyVisualizer.Batches(6, skip: 4)).Steps);
        foreach ((string name, Tensor weight) in visualizer.Weights()) Assert.IsTrue(ToyTask.SameBits(whole[name], weight), name);
    }

    [TestMethod]
    public void AStateOfAnotherTrainingIsRefused()
    {
        using var scope = NewDisposeScope();
        using ToyVisualizer one = new(), two = new();
        using var averaging = new DiffusionTrainer(one, new PlainCodec(), Config, Options with { AveragingDecay = 0.9 });
        using var plain = new DiffusionTrainer(two, new PlainCodec(), Config, Options);
        TensorAssert.Throws<InvalidDataException>(() => plain.ImportState(averaging.ExportState()), "average", "AveragingDecay");
        TensorAssert.Throws<InvalidDataException>(() => averaging.ImportState(plain.ExportState()), "average_step");
    }

    [TestMethod]
    public void ACancelledTrainingLeavesTheWeightsOfTheLastWholeStep()
    {
        using var scope = NewDisposeScope();
        using var visualizer = new ToyVisualizer();
        Dictionary<string, Tensor>? atThree = null;
        using var stop = new CancellationTokenSource();
        using var trainer = new DiffusionTrainer(visualizer, new PlainCodec(), Config, Options with { PicturesAtATime = 2 });
        VisualizerResult result = trainer.Train(ToyVisualizer.Batches(6), cancellationToken: stop.Token, progress: p =>
        {
            if (p.Step == 3) atThree = visualizer.Weights();
            CancelAt(stop, p, 3);
        });
        Assert.AreEqual(3, result.Steps);
        foreach ((string name, Tensor weight) in visualizer.Weights()) Assert.IsTrue(ToyTask.SameBits(atThree![name], weight), name);
    }

    [TestMethod]
    public void AveragesAreUsedInTheMiddleAndTakenAtTheEnd()
    {
        using var scope = NewDisposeScope();
        using var visualizer = new ToyVisualizer();
        using var trainer = new DiffusionTrainer(visualizer, new PlainCodec(), Config, Options with { AveragingDecay = 0.9 });
        var weights = new List<Tensor>();
        Tensor? middle = null;
        trainer.Train(ToyVisualizer.Batches(6), progress: p =>
        {
            weights.Add(visualizer.Weights()["denoiser.first.weight"]);
            if (p.Step == 4) trainer.WithAverages(() => middle = visualizer.Weights()["denoiser.first.weight"]);
        });
        Tensor Average(int steps)
        {
            Tensor average = weights[0];
            for (int n = 1; n < steps; n++)
            {
                double decay = Math.Min(0.9, (1.0 + n) / (10 + n));
                average = average * (float)decay + weights[n] * (float)(1 - decay);
            }
            return average;
        }
        TensorAssert.AreClose(Average(4), middle!, 1e-5, "after four steps");
        TensorAssert.AreClose(Average(6), visualizer.Weights()["denoiser.first.weight"], 1e-5, "at the end");
    }

    [TestMethod]
    public void ALossThatIsNotFiniteNamesStepAndRowsAndKeepsTheWeights()
    {
        using var scope = NewDisposeScope();
        using var visualizer = new ToyVisualizer();
        Dictionary<string, Tensor> before = visualizer.Weights();
        using var trainer = new DiffusionTrainer(visualizer, new PlainCodec(), Config, Options with { PicturesAtATime = 1 });
        VisualizerBatch bad = ToyVisualizer.Batch(3) with { Rows = [10, 11, 12] };
        bad.VisualTokens[1] = full([4, 3], float.NaN);
        TrainingDivergedException error = TensorAssert.Throws<TrainingDivergedException>(() => trainer.Train([bad]), "Step 1", "11");
        CollectionAssert.AreEqual(new long[] { 11 }, error.Rows.ToArray());
        foreach ((string name, Tensor weight) in visualizer.Weights()) Assert.IsTrue(ToyTask.SameBits(before[name], weight), name);
    }

    [TestMethod]
    public void BatchesThatDoNotFitAreNamed()
    {
        using var scope = NewDisposeScope();
        using var visualizer = new ToyVisualizer();
        using var trainer = new DiffusionTrainer(visualizer, new PlainCodec(), Config, Options);
        TensorAssert.Throws<ArgumentException>(() => trainer.Train([new VisualizerBatch(zeros(2, 3, 8, 7), zeros(2, 4, 3))]), "7x8 pixels", "multiples of 2");
        TensorAssert.Throws<ArgumentException>(() => trainer.Train([new VisualizerBatch(zeros(2, 1, 8, 8), zeros(2, 4, 3))]), "[2, 1, 8, 8]");
        TensorAssert.Throws<ArgumentException>(() => trainer.Train([new VisualizerBatch(zeros(2, 3, 8, 8), zeros(3, 4, 3))]), "2 pictures", "[3, 4, 3]");
        TensorAssert.Throws<ArgumentException>(() => trainer.Train([new VisualizerBatch(zeros(2, 3, 8, 8), zeros(2, 4, 3), [1])]), "2 pictures and 1 row numbers");
        TensorAssert.Throws<ArgumentException>(() => trainer.Evaluate([]), "no batches");
    }

    [TestMethod]
    public void TrainingKeepsNoTensorButItsOwn()
    {
        using var visualizer = new ToyVisualizer();
        using var trainer = new DiffusionTrainer(visualizer, new PlainCodec(), Config, Options with { MaximumSteps = 40, PicturesAtATime = 4, ForegroundWeight = 3, MinimumSnrGamma = 5, NoiseOffset = 0.1, AveragingDecay = 0.9 });
        var live = new List<long>();
        trainer.Train(ToyVisualizer.Batches(6), progress: _ => live.Add(LiveTensors.OfThisThread));
        Assert.AreEqual(live[5], live[^1]);
    }

    [TestMethod]
    public void ThePapersScheduleIsTheDefault()
    {
        var options = new VisualizerTrainingOptions();
        Assert.AreEqual(12_000, options.Steps);
        var schedule = new LearningRateSchedule { Kind = options.Schedule, BaseRate = options.LearningRate, TotalSteps = 1, Warmup = options.Warmup };
        var pace = new TrainingPace(schedule, options.WarmupRatio, options.Steps, null, TimeProvider.System);
        Assert.AreEqual(0, pace.RateAt(0));
        Assert.AreEqual(1.1e-5 * Math.Log(1001) / Math.Log(2001), pace.RateAt(1000), 1e-12);
        Assert.AreEqual(1.1e-5, pace.RateAt(2000), 1e-15);
        Assert.AreEqual(1.1e-5 / 2, pace.RateAt(7000), 1e-12);
        Assert.AreEqual(0, pace.RateAt(12_000));
    }

    [TestMethod]
    public void OptionsOutOfRangeAreNamed()
    {
        Refuses(Options with { ConditioningDropout = 1.5 }, "ConditioningDropout", "from 0 to 1");
        Refuses(Options with { ConditioningDropout = double.NaN }, "ConditioningDropout");
        Refuses(Options with { NoiseOffset = -1 }, "NoiseOffset", "at least 0");
        Refuses(Options with { MinimumSnrGamma = 0 }, "MinimumSnrGamma", "above 0");
        Refuses(Options with { ForegroundWeight = 0.5 }, "ForegroundWeight", "at least 1");
        Refuses(Options with { PicturesAtATime = 0 }, "PicturesAtATime", "at least 1");
        Refuses(Options with { WarmupRatio = 1 }, "WarmupRatio");
        Refuses(Options with { Parts = (VisualizerParts)9 }, "Parts", "AdapterAndDenoiser");
        Refuses(Options with { MaximumSteps = 0 }, "MaximumSteps");
        Refuses(Options with { LearningRate = double.NaN }, "LearningRate");
    }

    private static void Refuses(VisualizerTrainingOptions options, params string[] texts)
    {
        using var visualizer = new ToyVisualizer();
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => new DiffusionTrainer(visualizer, new PlainCodec(), Config, options), texts);
    }

    private static Dictionary<string, Tensor> Train(VisualizerTrainingOptions options)
    {
        using var visualizer = new ToyVisualizer();
        using var trainer = new DiffusionTrainer(visualizer, new PlainCodec(), Config, options);
        trainer.Train(ToyVisualizer.Batches(6));
        return visualizer.Weights();
    }

    private static void CancelAt(CancellationTokenSource stop, VisualizerProgress progress, long step)
    {
        if (progress.Step == step) stop.Cancel();
    }
}
