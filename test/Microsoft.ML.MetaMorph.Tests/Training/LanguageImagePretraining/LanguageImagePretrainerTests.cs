using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class LanguageImagePretrainerTests
{
    private static readonly LanguageImagePretrainingOptions Small = new()
    {
        ImageSize = ColouredSquares.Side,
        PatchSize = 4,
        Width = 32,
        LayerCount = 2,
        HeadCount = 2,
        VisualTokenCount = 4,
        CaptionLayerCount = 1,
        TextLayerCount = 1,
        MaximumTextLength = 4,
        ContrastiveWeight = 0.3,
        MaximumSteps = 150,
        LearningRate = 4e-3,
        Precision = Precision.Float32,
        Seed = 3,
    };

    [TestInitialize]
    public void BeginOneThread() => OneThread.Begin();

    [TestCleanup]
    public void EndOneThread() => OneThread.End();

    [TestMethod]
    public void ATinyWorldIsLearnt()
    {
        using var trained = Train(Small);
        LanguageImageScores scores = trained.Trainer.Evaluate([ColouredSquares.Everything(seed: 99)]);
        Assert.AreEqual(ColouredSquares.Scenes, scores.Pictures);
        Assert.IsTrue(scores.ExactCaptions >= ColouredSquares.Scenes - 1, $"captions right: {scores.ExactCaptions} of {scores.Pictures} (chance 1)");
        Assert.IsTrue(scores.Retrieved >= ColouredSquares.Scenes * 3 / 4, $"own text nearest: {scores.Retrieved} of {scores.Pictures} (chance 1)");
        Assert.IsTrue(scores.CaptionLoss < 0.2, $"caption loss {scores.CaptionLoss}");
    }

    [TestMethod]
    public void CaptionsAloneTeachItToo()
    {
        using var trained = Train(Small with { ContrastiveWeight = 0 });
        LanguageImageScores scores = trained.Trainer.Evaluate([ColouredSquares.Everything(seed: 99)]);
        Assert.IsTrue(scores.ExactCaptions >= ColouredSquares.Scenes - 1, $"captions right: {scores.ExactCaptions} of {scores.Pictures}");
        Assert.IsNull(scores.Retrieved);
        Assert.IsFalse(trained.Model.EncoderParameters().Any(p => !p.Name.StartsWith("vision_model.", StringComparison.Ordinal)), "names of the stored encoder");
        Assert.IsFalse(trained.Model.Config.Vision.UseHead);
    }

    [TestMethod]
    public void TheSameSeedGivesTheSameWeights()
    {
        using var first = Train(Small with { MaximumSteps = 4 });
        using var second = Train(Small with { MaximumSteps = 4 });
        using var other = Train(Small with { MaximumSteps = 4, Seed = 4 });
        CollectionAssert.AreEqual(Weights(first.Model), Weights(second.Model));
        CollectionAssert.AreNotEqual(Weights(first.Model), Weights(other.Model));
    }

    [TestMethod]
    public void StepsLeaveNothingBehind()
    {
        var counts = new List<long>();
        using var trained = Train(Small with { MaximumSteps = 8 }, progress: _ => counts.Add(LiveTensors.OfThisThread));
        Assert.AreEqual(counts[2], counts[^1], "live tensors after the third and the last step");
    }

    [TestMethod]
    public void ProgressTellsStepsAndLosses()
    {
        var seen = new List<LanguageImageProgress>();
        using var trained = Train(Small with { MaximumSteps = 5 }, seen.Add);
        CollectionAssert.AreEqual(new long[] { 1, 2, 3, 4, 5 }, seen.Select(p => p.Step).ToArray());
        Assert.AreEqual(1.0, seen[^1].Share);
        foreach (LanguageImageProgress step in seen) Assert.AreEqual(step.Loss.Total, step.Loss.Caption!.Value + 0.3 * step.Loss.Contrastive!.Value, 1e-4);
        Assert.AreEqual(TrainingEnd.Completed, trained.Result.End);
    }

    [TestMethod]
    public void CancellationKeepsTheStepsThatWereMade()
    {
        using var source = new CancellationTokenSource();
        using var trained = Train(Small, progress => { if (progress.Step == 3) source.Cancel(); }, cancellationToken: source.Token);
        Assert.AreEqual((TrainingEnd.Cancelled, 3L), (trained.Result.End, trained.Result.Steps));
    }

    [TestMethod]
    public void ABudgetOfTimeEndsTheTrainingAndTheCurve()
    {
        var clock = new SteppedClock();
        var rates = new List<double>();
        using var trained = Train(Small with { MaximumSteps = null, MaximumSeconds = 10 }, progress => { rates.Add(progress.LearningRate); clock.Advance(TimeSpan.FromSeconds(1)); }, clock);
        Assert.AreEqual((TrainingEnd.TimeSpent, 10L), (trained.Result.End, trained.Result.Steps));
        Assert.IsTrue(rates[^1] < rates[1] / 10, $"rates {string.Join(", ", rates)}");
    }

    [TestMethod]
    [DataRow(1, "caption NaN, contrastive NaN")]
    [DataRow(0, "caption NaN")]
    public void ALossThatIsNotFiniteNamesItsPartsAndKeepsTheWeights(int contrastive, string parts)
    {
        LanguageImagePretrainingOptions options = Small with { ContrastiveWeight = contrastive };
        LanguageImageModel model = NewModel(options);
        using var trainer = new LanguageImagePretrainer(model, options, ColouredSquares.Tokens);
        float[] before = Weights(model);
        var bad = new LanguageImageBatch(full([2, 3, ColouredSquares.Side, ColouredSquares.Side], float.NaN), [[0], [1]], [7, 9]);
        TrainingDivergedException failure = Assert.ThrowsExactly<TrainingDivergedException>(() => trainer.Train([bad]));
        Assert.AreEqual($"Step 1: the loss is not finite ({parts}). Rows of the step: 7, 9. The model keeps the weights of step 0. Look at these rows; if they are sound, lower the learning rate or set MaximumGradientNorm (1 is common).", failure.Message);
        Assert.AreEqual(1, failure.Step);
        CollectionAssert.AreEqual(new long[] { 7, 9 }, failure.Rows.ToArray());
        CollectionAssert.AreEqual(before, Weights(model));
    }

    [TestMethod]
    public void BatchesThatDoNotFitAreNamed()
    {
        LanguageImageModel model = NewModel(Small);
        using var trainer = new LanguageImagePretrainer(model, Small, ColouredSquares.Tokens);
        Assert.IsTrue(Message([[0], [1]], 3).Contains("3 pictures and 2 captions", StringComparison.Ordinal));
        Assert.IsTrue(Message([[0], [13]], 2).Contains("token 13", StringComparison.Ordinal));
        string Message(int[][] captions, int pictures)
            => Assert.ThrowsExactly<ArgumentException>(() => trainer.Train([new LanguageImageBatch(zeros(pictures, 3, ColouredSquares.Side, ColouredSquares.Side), captions)])).Message;
    }

    [TestMethod]
    public void OptionsOutOfRangeAreNamed()
    {
        (LanguageImagePretrainingOptions, string)[] wrong =
        [
            (Small with { PatchSize = 17 }, "PatchSize"), (Small with { Width = 33 }, "Width"), (Small with { VisualTokenCount = 5 }, "VisualTokenCount"),
            (Small with { Activation = "xielu" }, "Activation"), (Small with { CaptionWeight = 0, ContrastiveWeight = 0 }, "ContrastiveWeight"),
            (Small with { LearningRate = double.NaN }, "LearningRate"), (Small with { WarmupRatio = 1 }, "WarmupRatio"), (Small with { BatchSize = 0 }, "BatchSize"),
            (Small with { MaximumSeconds = 0 }, "MaximumSeconds"), (Small with { AveragingDecay = 1 }, "AveragingDecay"), (Small with { HeadCount = 0 }, "HeadCount"),
        ];
        foreach ((LanguageImagePretrainingOptions options, string name) in wrong)
            Assert.AreEqual(name, Assert.ThrowsExactly<ArgumentOutOfRangeException>(options.Validate).ParamName);
        new LanguageImagePretrainingOptions().Validate();
    }

    private static LanguageImageModel NewModel(LanguageImagePretrainingOptions options)
        => LanguageImageModel.CreateFresh(LanguageImageModelConfig.Create(options, ColouredSquares.Tokens), CPU, options.Seed);

    private static Trained Train(LanguageImagePretrainingOptions options, Action<LanguageImageProgress>? progress = null, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        LanguageImageModel model = NewModel(options);
        var trainer = new LanguageImagePretrainer(model, options, ColouredSquares.Tokens);
        return new Trained(model, trainer, trainer.Train(ColouredSquares.Stream(seed: 5, size: 24), progress, clock, cancellationToken));
    }

    private static float[] Weights(LanguageImageModel model) => [.. model.named_parameters().OrderBy(p => p.name, StringComparer.Ordinal).SelectMany(p => p.parameter.detach().data<float>().ToArray())];

    private sealed record Trained(LanguageImageModel Model, LanguageImagePretrainer Trainer, LanguageImageResult Result) : IDisposable
    {
        public void Dispose()
        {
            Trainer.Dispose();
            Model.Dispose();
        }
    }

    private sealed class SteppedClock : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(TimeSpan time) => _ticks += time.Ticks;
    }
}
