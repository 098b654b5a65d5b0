using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class TrainingInputTests
{
    public static IEnumerable<object[]> BadOptions() =>
    [
        [new VisualPredictiveTrainingOptions { BatchSize = 0 }, "BatchSize"],
        [new VisualPredictiveTrainingOptions { SequenceBudget = 0 }, "SequenceBudget"],
        [new VisualPredictiveTrainingOptions { Epochs = 0 }, "Epochs"],
        [new VisualPredictiveTrainingOptions { MaximumSteps = 0 }, "MaximumSteps"],
        [new VisualPredictiveTrainingOptions { MaximumSeconds = 0 }, "MaximumSeconds"],
        [new VisualPredictiveTrainingOptions { MaximumSeconds = double.NaN }, "MaximumSeconds"],
        [new VisualPredictiveTrainingOptions { LearningRate = 0 }, "LearningRate"],
        [new VisualPredictiveTrainingOptions { LearningRate = double.NaN }, "LearningRate"],
        [new VisualPredictiveTrainingOptions { MinimumLearningRate = 1 }, "MinimumLearningRate"],
        [new VisualPredictiveTrainingOptions { WarmupRatio = 1 }, "WarmupRatio"],
        [new VisualPredictiveTrainingOptions { ProjectorRateFactor = -1 }, "ProjectorRateFactor"],
        [new VisualPredictiveTrainingOptions { LanguageModelRateFactor = -1 }, "LanguageModelRateFactor"],
        [new VisualPredictiveTrainingOptions { VisionHeadRateFactor = double.PositiveInfinity }, "VisionHeadRateFactor"],
        [new VisualPredictiveTrainingOptions { VisionCoefficient = -0.1 }, "VisionCoefficient"],
        [new VisualPredictiveTrainingOptions { WeightDecay = -0.1 }, "WeightDecay"],
        [new VisualPredictiveTrainingOptions { WeightDecay = double.MaxValue }, "WeightDecay"],
        [new VisualPredictiveTrainingOptions { Beta1 = 1 }, "Beta1"],
        [new VisualPredictiveTrainingOptions { Beta2 = 1 }, "Beta2"],
        [new VisualPredictiveTrainingOptions { Epsilon = 0 }, "Epsilon"],
        [new VisualPredictiveTrainingOptions { MaximumGradientNorm = 0 }, "MaximumGradientNorm"],
        [new VisualPredictiveTrainingOptions { AveragingDecay = 1 }, "AveragingDecay"],
        [new VisualPredictiveTrainingOptions { ValidationInterval = 0 }, "ValidationInterval"],
        [new VisualPredictiveTrainingOptions { Stage = (VisualPredictiveStage)9 }, "Stage"],
        [new VisualPredictiveTrainingOptions { Schedule = (LearningRateScheduleKind)99 }, "Schedule"],
        [new VisualPredictiveTrainingOptions { Precision = (Precision)9 }, "Precision"],
    ];

    [TestMethod]
    [DynamicData(nameof(BadOptions))]
    public void AnOptionOutOfRangeIsNamed(VisualPredictiveTrainingOptions options, string name)
    {
        ArgumentOutOfRangeException error = Assert.ThrowsExactly<ArgumentOutOfRangeException>(options.Validate);
        Assert.AreEqual(name, error.ParamName);
        StringAssert.Contains(error.Message, name + " must be ");
    }

    [TestMethod]
    public void TheDefaultsAreThePapers()
    {
        var options = new VisualPredictiveTrainingOptions { BatchSize = 1536 };
        options.Validate();
        Assert.AreEqual(6.93e-5, options.PeakRate, 1e-12);
        Assert.AreEqual(4.9e-5, (options with { Stage = VisualPredictiveStage.ConnectorPretraining, BatchSize = 768 }).PeakRate, 1e-12);
        // The released settings of stage 1 at another batch size follow the same rule.
        Assert.AreEqual(3.74e-5, (options with { Stage = VisualPredictiveStage.ConnectorPretraining, BatchSize = 448 }).PeakRate, 5e-8);
        Assert.AreEqual((0.03, 0.0, 0.9, 0.999, 1e-8, 1.0), (options.WarmupRatio, options.WeightDecay, options.Beta1, options.Beta2, options.Epsilon, options.VisionCoefficient));
    }

    [TestMethod]
    public void TheVisualizersWarmupIsLogarithmic()
    {
        var schedule = new LearningRateSchedule { Kind = LearningRateScheduleKind.Linear, BaseRate = 1.1e-5, TotalSteps = 12_000, WarmupSteps = 2_000, Warmup = WarmupShape.Logarithmic };
        Assert.AreEqual(0, schedule.RateAt(0));
        Assert.AreEqual(1.1e-5 * Math.Log(101) / Math.Log(2001), schedule.RateAt(100), 1e-18);
        Assert.AreEqual(1.1e-5, schedule.RateAt(2_000), 1e-18);
        Assert.AreEqual(0.55e-5, schedule.RateAt(7_000), 1e-18);
        Assert.AreEqual(0, schedule.RateAt(13_000));
    }

    [TestMethod]
    public void ATokenOutsideTheVocabularyIsNamed()
        => Refused(rows => rows[2] with { Sequence = new TokenSequence([0, 1, 77], [-100, -100, 77]) }, "Row 2", "77", "16");

    [TestMethod]
    public void VisualTokensOfAnotherWidthAreNamed()
        => Refused(rows => rows[2] with { VisualTokens = new float[ToyTask.Tokens * ToyTask.Width + 1] }, "Row 2", "13", "2 tokens × 6");

    [TestMethod]
    public void AMissingImageIsNamed()
        => Refused(rows => rows[2] with { VisualTokens = Array.Empty<float>() }, "Row 2", "image 1", "has 0");

    [TestMethod]
    public void NoRowsAreAnError()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = ToyTask.Model();
        using var trainer = new VisualPredictiveTrainer(model, new VisualPredictiveTrainingOptions { Precision = Precision.Float32 });
        Assert.ThrowsExactly<InvalidOperationException>(() => trainer.Train(new InMemoryTrainingSource([])));
    }

    [TestMethod]
    public void EpochsCountTheirSteps()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = ToyTask.Model();
        var seen = new List<(long, long?, int)>();
        using var trainer = new VisualPredictiveTrainer(model, new VisualPredictiveTrainingOptions { Precision = Precision.Float32, Epochs = 2, BatchSize = 4 });
        trainer.Train(new InMemoryTrainingSource(ToyTask.Rows(6)), progress: p => seen.Add((p.Step, p.TotalSteps, p.Epoch)));
        CollectionAssert.AreEqual(new (long, long?, int)[] { (1, 4, 1), (2, 4, 1), (3, 4, 2), (4, 4, 2) }, seen);
    }

    [TestMethod]
    public void RowsThatSuperviseNothingCostNothing()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = ToyTask.Model();
        TrainingRow[] rows = [new TrainingRow(new TokenSequence([0, 1, 2], [-100, -100, -100]), Array.Empty<float>(), 0)];
        using var trainer = new VisualPredictiveTrainer(model, new VisualPredictiveTrainingOptions { Precision = Precision.Float32 });
        Assert.AreEqual(0, trainer.Train(new InMemoryTrainingSource(rows)).Loss.Total(1));
    }

    private static void Refused(Func<TrainingRow[], TrainingRow> change, params string[] parts)
    {
        using var scope = NewDisposeScope();
        TrainingRow[] rows = ToyTask.Rows(4);
        rows[2] = change(rows);
        using MetaMorphModel model = ToyTask.Model();
        using var trainer = new VisualPredictiveTrainer(model, new VisualPredictiveTrainingOptions { Precision = Precision.Float32 });
        InvalidOperationException error = Assert.ThrowsExactly<InvalidOperationException>(() => trainer.Train(new InMemoryTrainingSource(rows)));
        foreach (string part in parts) StringAssert.Contains(error.Message, part);
    }
}
