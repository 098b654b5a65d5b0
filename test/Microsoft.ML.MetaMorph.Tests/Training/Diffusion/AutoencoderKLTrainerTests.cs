using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class AutoencoderKLTrainerTests
{
    private static readonly AutoencoderTrainingOptions Options = new() { BatchSize = 6, LearningRate = 3e-3, MaximumSteps = 5, Precision = Precision.Float32 };

    [ClassInitialize]
    public static void BeginOneThread(TestContext _) => OneThread.Begin();

    [ClassCleanup]
    public static void EndOneThread() => OneThread.End();

    [TestMethod]
    public void LearnsToGivePicturesBack()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL model = Model();
        using var trainer = new AutoencoderKLTrainer(model, CPU, Options with { MaximumSteps = 100, LearningRate = 1e-2 });
        AutoencoderLosses before = trainer.Evaluate([Batch(8, 5)]);
        AutoencoderResult result = trainer.Train(Enumerable.Repeat(5, 200).Select(seed => Batch(8, seed)));
        Assert.AreEqual((TrainingEnd.Completed, 100L), (result.End, result.Steps));
        AutoencoderLosses after = trainer.Evaluate([Batch(8, 5)]);
        // PyTorch came from 0.49 to 0.18 with the same sizes.
        Assert.IsLessThan(before.SquaredError / 2, after.SquaredError);
        Assert.AreEqual(2 * after.SquaredError + 0.3 * after.AbsoluteError + 2e-7 * after.Divergence, after.Total, 1e-6, "the default weights");
    }

    [TestMethod]
    public void TheWeightOfTheDivergenceMovesLatentsTowardsTheNormalDistribution()
    {
        using var scope = NewDisposeScope();
        double Divergence(double weight)
        {
            using AutoencoderKL model = Model();
            using var trainer = new AutoencoderKLTrainer(model, CPU, Options with { MaximumSteps = 40, DivergenceWeight = weight });
            trainer.Train(Batches(6));
            return trainer.Evaluate([Batch(8, 900)]).Divergence;
        }
        Assert.IsLessThan(Divergence(2e-7) / 3, Divergence(1e-2));
    }

    [TestMethod]
    public void ScaledLatentsVaryByOne()
    {
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        using AutoencoderKL model = Model();
        using var trainer = new AutoencoderKLTrainer(model, CPU, Options with { PicturesAtATime = 4 });
        model.SetScalingFactor(trainer.MeasureScalingFactor([Batch(6, 1), Batch(3, 2)]));
        using PictureBatch first = Batch(6, 1), second = Batch(3, 2);
        Tensor latents = new AutoencoderCodec(model).Encode(cat([first.Pictures, second.Pictures], 0) * 2 - 1);
        Assert.AreEqual(1, latents.std(unbiased: false).item<float>(), 1e-4);
        TensorAssert.Throws<ArgumentException>(() => trainer.MeasureScalingFactor([]), "no batches to measure");
        foreach ((string _, var parameter) in model.named_parameters()) parameter.zero_();
        TensorAssert.Throws<InvalidOperationException>(() => trainer.MeasureScalingFactor([Batch(2, 1)]), "384 values", "variance 0", "DivergenceWeight");
    }

    [TestMethod]
    public void PartsOfAStepAddUpToIt()
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> whole = Train(Options), parts = Train(Options with { PicturesAtATime = 4 }), single = Train(Options with { PicturesAtATime = 1 });
        foreach (string name in whole.Keys)
        {
            TensorAssert.AreClose(whole[name], parts[name], 1e-3, name);
            TensorAssert.AreClose(whole[name], single[name], 1e-3, name);
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
    [DataRow(false)]
    [DataRow(true)]
    public void AnInterruptedTrainingGoesOnAsIfItHadNotBeen(bool averaging)
    {
        using var scope = NewDisposeScope();
        AutoencoderTrainingOptions options = Options with { AveragingDecay = averaging ? 0.9 : null };
        Dictionary<string, Tensor> whole = Train(options);
        using AutoencoderKL model = Model();
        Dictionary<string, Tensor> state;
        using (var trainer = new AutoencoderKLTrainer(model, CPU, options))
        {
            using var stop = new CancellationTokenSource();
            AutoencoderResult result = trainer.Train(Batches(6), progress: p => CancelAt(stop, p, 3), cancellationToken: stop.Token);
            Assert.AreEqual((TrainingEnd.Cancelled, 3L), (result.End, result.Steps));
            state = trainer.ExportState().ToDictionary(p => p.Key, p => p.Value.clone());
        }
        using var second = new AutoencoderKLTrainer(model, CPU, options);
        second.ImportState(state);
        Assert.AreEqual(5, second.Train(Batches(6, skip: 3)).Steps);
        foreach ((string name, Tensor weight) in Weights(model)) Assert.IsTrue(ToyTask.SameBits(whole[name], weight), name);
        using AutoencoderKL another = Model();
        using var unlike = new AutoencoderKLTrainer(another, CPU, Options with { AveragingDecay = averaging ? null : 0.9 });
        TensorAssert.Throws<InvalidDataException>(() => unlike.ImportState(state), averaging ? "AveragingDecay is not set" : "average_step");
    }

    [TestMethod]
    public void ACancelledTrainingLeavesTheWeightsOfTheLastWholeStep()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL model = Model();
        Dictionary<string, Tensor>? atTwo = null;
        using var stop = new CancellationTokenSource();
        using var trainer = new AutoencoderKLTrainer(model, CPU, Options with { PicturesAtATime = 2 });
        AutoencoderResult result = trainer.Train(Batches(6), cancellationToken: stop.Token, progress: p =>
        {
            if (p.Step == 2) atTwo = Weights(model);
            CancelAt(stop, p, 2);
        });
        Assert.AreEqual(2, result.Steps);
        foreach ((string name, Tensor weight) in Weights(model)) Assert.IsTrue(ToyTask.SameBits(atTwo![name], weight), name);
    }

    [TestMethod]
    public void ALossThatIsNotFiniteNamesStepAndRowsAndKeepsTheWeights()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL model = Model();
        Dictionary<string, Tensor> before = Weights(model);
        using var trainer = new AutoencoderKLTrainer(model, CPU, Options with { PicturesAtATime = 1 });
        PictureBatch bad = Batch(3, 0) with { Rows = [10, 11, 12] };
        bad.Pictures[1] = full([3, 16, 16], float.NaN);
        TrainingDivergedException error = TensorAssert.Throws<TrainingDivergedException>(() => trainer.Train([bad]), "Step 1: the loss is NaN", "Rows of the step: 11.");
        CollectionAssert.AreEqual(new long[] { 11 }, error.Rows.ToArray());
        foreach ((string name, Tensor weight) in Weights(model)) Assert.IsTrue(ToyTask.SameBits(before[name], weight), name);
    }

    [TestMethod]
    public void BatchesThatDoNotFitAreNamed()
    {
        using var scope = NewDisposeScope();
        using AutoencoderKL model = Model();
        using var trainer = new AutoencoderKLTrainer(model, CPU, Options);
        TensorAssert.Throws<ArgumentException>(() => trainer.Train([new PictureBatch(zeros(2, 3, 8, 7))]), "Pictures of 7x8 pixels: this autoencoder needs multiples of 2 (1 halvings).");
        TensorAssert.Throws<ArgumentException>(() => trainer.Train([new PictureBatch(zeros(2, 1, 8, 8))]), "Pictures have the shape [2, 1, 8, 8]; [b, 3, height, width] is needed.");
        TensorAssert.Throws<ArgumentException>(() => trainer.Train([new PictureBatch(zeros(2, 3, 8, 8), [1])]), "There are 2 pictures and 1 row numbers.");
        TensorAssert.Throws<ArgumentException>(() => trainer.Evaluate([]), "There are no batches to evaluate.");
    }

    [TestMethod]
    public void TrainingKeepsNoTensorButItsOwn()
    {
        using AutoencoderKL model = Model();
        using var trainer = new AutoencoderKLTrainer(model, CPU, Options with { MaximumSteps = 25, PicturesAtATime = 4, ForegroundWeight = 3, AveragingDecay = 0.9 });
        var live = new List<long>();
        trainer.Train(Batches(6), progress: _ => live.Add(LiveTensors.OfThisThread));
        Assert.AreEqual(live[5], live[^1]);
        long before = LiveTensors.OfThisThread;
        trainer.Evaluate([Batch(5, 1)]);
        trainer.MeasureScalingFactor([Batch(5, 1)]);
        Assert.AreEqual(before, LiveTensors.OfThisThread);
    }

    [TestMethod]
    public void OptionsOutOfRangeAreNamed()
    {
        Refuses(Options with { SquaredErrorWeight = -1 }, "SquaredErrorWeight must be at least 0");
        Refuses(Options with { AbsoluteErrorWeight = double.NaN }, "AbsoluteErrorWeight must be at least 0");
        Refuses(Options with { DivergenceWeight = double.PositiveInfinity }, "DivergenceWeight must be at least 0");
        Refuses(Options with { ForegroundWeight = 0.5 }, "ForegroundWeight must be at least 1");
        Refuses(Options with { PicturesAtATime = 0 }, "PicturesAtATime must be at least 1");
        Refuses(Options with { ScalingPictures = 0 }, "ScalingPictures must be at least 1");
        Refuses(Options with { AveragingDecay = 1 }, "AveragingDecay must be above 0 and below 1");
        Refuses(Options with { MaximumSteps = 0 }, "MaximumSteps must be at least 1");
        TensorAssert.Throws<ArgumentException>(() => (Options with { SquaredErrorWeight = 0, AbsoluteErrorWeight = 0 }).Validate(), "SquaredErrorWeight and AbsoluteErrorWeight are both 0");
    }

    private static void Refuses(AutoencoderTrainingOptions options, string text) => TensorAssert.Throws<ArgumentOutOfRangeException>(options.Validate, text);

    private static AutoencoderKL Model() => new(new AutoencoderKLConfig { BlockChannels = [8, 16], LatentChannels = 3, NormGroups = 4, SampleSize = [16], MidAttention = false }, TinyDiffusion.Fresh());

    private static Dictionary<string, Tensor> Train(AutoencoderTrainingOptions options)
    {
        using AutoencoderKL model = Model();
        using var trainer = new AutoencoderKLTrainer(model, CPU, options);
        trainer.Train(Batches(6));
        return Weights(model);
    }

    private static Dictionary<string, Tensor> Weights(AutoencoderKL model) => model.named_parameters().ToDictionary(p => p.name, p => p.parameter.detach().clone());

    private static IEnumerable<PictureBatch> Batches(int count, int skip = 0)
    {
        for (int step = skip; ; step++) yield return Batch(count, step);
    }

    /// <summary>Squares of a colour on a ground of another.</summary>
    private static PictureBatch Batch(int count, int seed)
    {
        var random = new Random(seed);
        float[] pixels = new float[count * 3 * 16 * 16];
        for (int picture = 0; picture < count; picture++)
        {
            int top = random.Next(1, 8), left = random.Next(1, 8);
            for (int channel = 0; channel < 3; channel++)
            {
                (float ground, float square) = (random.NextSingle(), random.NextSingle());
                for (int y = 0; y < 16; y++)
                {
                    for (int x = 0; x < 16; x++) pixels[((picture * 3 + channel) * 16 + y) * 16 + x] = y >= top && y < top + 7 && x >= left && x < left + 7 ? square : ground;
                }
            }
        }
        return new PictureBatch(tensor(pixels, [count, 3, 16, 16]).DetachFromDisposeScope());
    }

    private static void CancelAt(CancellationTokenSource stop, AutoencoderProgress progress, int step)
    {
        if (progress.Step == step) stop.Cancel();
    }
}
