using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Early stopping and best weights, on validation rows whose answers are wrong: the more is learned, the higher their loss.</summary>
[TestClass]
public sealed class ValidationWatchTests
{
    private const int Steps = 80;

    private static readonly VisualPredictiveTrainingOptions Options = new() { BatchSize = 4, LearningRate = 2e-2, MaximumSteps = Steps, ValidationInterval = 2, Precision = Precision.Float32, Seed = 5 };

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void TheModelEndsWithTheWeightsOfItsBestEvaluation(bool averages)
    {
        VisualPredictiveTrainingOptions options = Options with { AveragingDecay = averages ? 0.5 : null, KeepBestWeights = true };
        double[] losses = Losses(options with { KeepBestWeights = false });
        int best = Best(losses);
        // Else the test would say nothing.
        Assert.IsTrue(best > 0 && best < losses.Length - 1, string.Join(" ", losses));
        using MetaMorphModel model = ToyTask.Model();
        using var trainer = new VisualPredictiveTrainer(model, options);
        TrainingResult result = trainer.Train(Rows(), Wrong());
        Assert.AreEqual(losses[best], result.Validation!.Value.Total(1), 0);
        Assert.AreEqual(losses[best], trainer.Evaluate(Wrong()).Total(1), 0);
        Assert.AreEqual((TrainingEnd.Completed, (long)Steps), (result.End, result.Steps));
    }

    [TestMethod]
    [DataRow(1, 0.0)]
    [DataRow(3, 0.0)]
    [DataRow(2, 0.05)]
    public void TheTrainingEndsWherePatienceDoes(int patience, double improvement)
    {
        double[] losses = Losses(Options);
        (double lowest, int misses, int end) = (double.PositiveInfinity, 0, losses.Length);
        for (int i = 0; i < losses.Length; i++)
        {
            (lowest, misses) = losses[i] < lowest - improvement ? (losses[i], 0) : (lowest, misses + 1);
            if (misses < patience) continue;
            end = i + 1;
            break;
        }

        Assert.IsLessThan(losses.Length, end);
        using MetaMorphModel model = ToyTask.Model();
        using var trainer = new VisualPredictiveTrainer(model, Options with { EarlyStoppingPatience = patience, MinimumImprovement = improvement });
        TrainingResult result = trainer.Train(Rows(), Wrong());
        Assert.AreEqual((TrainingEnd.StoppedEarly, 2L * end), (result.End, result.Steps));
        Assert.AreEqual(losses[end - 1], result.Validation!.Value.Total(1), 0);
    }

    /// <summary>Stopped at every step in turn: it ends where one that was not stopped ends, with its weights.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AnInterruptedTrainingEndsWithTheSameChoice(bool averages)
    {
        VisualPredictiveTrainingOptions options = Options with { AveragingDecay = averages ? 0.5 : null, KeepBestWeights = true, EarlyStoppingPatience = 3, ImageDropout = 0.5 };
        using MetaMorphModel whole = ToyTask.Model();
        TrainingResult expected;
        using (var trainer = new VisualPredictiveTrainer(whole, options)) expected = trainer.Train(Rows(), Wrong());
        Assert.AreEqual(TrainingEnd.StoppedEarly, expected.End);
        using var folder = new ScratchFolder();
        TrainingResult result;
        long runs = 0;
        do
        {
            using var stop = new CancellationTokenSource();
            result = Resume(folder, options, stop, out Dictionary<string, Tensor> weights);
            runs++;
            if (result.End == TrainingEnd.Cancelled) continue;
            Dictionary<string, Tensor> wanted = ToyTask.Weights(whole);
            foreach ((string name, Tensor weight) in weights) Assert.IsTrue(ToyTask.SameBits(wanted[name], weight), name);
        }
        while (result.End == TrainingEnd.Cancelled);
        Assert.AreEqual((expected.End, expected.Steps, expected.Validation), (result.End, result.Steps, result.Validation));
        // One step a run: behind the last one patience is spent, which is seen before the cancellation.
        Assert.AreEqual(expected.Steps, runs);
        // And once more, from the checkpoint of the end.
        using var never = new CancellationTokenSource();
        TrainingResult again = Resume(folder, options, never, out Dictionary<string, Tensor> finished);
        Assert.AreEqual((expected.End, expected.Validation), (again.End, again.Validation));
        Dictionary<string, Tensor> ended = ToyTask.Weights(whole);
        foreach ((string name, Tensor weight) in finished) Assert.IsTrue(ToyTask.SameBits(ended[name], weight), name);
    }

    [TestMethod]
    public void PicturesOfPromptsAreDroppedAndNoOthers()
    {
        TrainingRow[] rows = ToyTask.Rows(8);
        // Rows 0 and 1 read a picture, row 4 draws one.
        TrainingRow[] three = [rows[0], rows[1], rows[4]];
        var batch = new TrainingBatch(three, ToyTask.Config, sequenceBudget: 100, dropped: [true, false, true]);
        using var scope = NewDisposeScope();
        PackedSequence sequence = batch.Sequences.Single();
        float[] values = batch.VisualTokens(sequence, CPU)!.data<float>().ToArray();
        int size = ToyTask.Tokens * ToyTask.Width;
        for (int i = 0; i < 3; i++)
        {
            int row = sequence.Rows[i];
            float[] wanted = row == 0 ? new float[size] : three[row].VisualTokens.ToArray();
            CollectionAssert.AreEqual(wanted, values[(i * size)..((i + 1) * size)], $"row {row}");
        }
    }

    [TestMethod]
    public void OptionsThatDecideNothingAreRefused()
    {
        Assert.AreEqual(
            "KeepBestWeights is true, but ValidationInterval is not set, so there is one evaluation only. Set it to the steps between two.",
            Assert.ThrowsExactly<ArgumentException>((Options with { ValidationInterval = null, KeepBestWeights = true }).Validate).Message);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>((Options with { EarlyStoppingPatience = 0 }).Validate);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>((Options with { MinimumImprovement = -1 }).Validate);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>((Options with { ImageDropout = 1 }).Validate);
        using MetaMorphModel model = ToyTask.Model();
        using var trainer = new VisualPredictiveTrainer(model, Options with { EarlyStoppingPatience = 4 });
        Assert.AreEqual(
            "EarlyStoppingPatience is 4, but there are no validation rows. Give Fit validation rows, or leave the option out. (Parameter 'validation')",
            Assert.ThrowsExactly<ArgumentException>(() => trainer.Train(Rows())).Message);
    }

    private static TrainingResult Resume(ScratchFolder folder, VisualPredictiveTrainingOptions options, CancellationTokenSource stop, out Dictionary<string, Tensor> weights)
    {
        using MetaMorphModel model = ToyTask.Model();
        using var checkpoints = new TrainingCheckpoints(new CheckpointSettings(folder.Path, Interval: 100, Count: 1), new TrainingFingerprint("Toy"), _ => { }, warning => Assert.Fail(warning));
        using var trainer = new VisualPredictiveTrainer(model, options, checkpoints);
        TrainingResult result = trainer.Train(Rows(), Wrong(), _ => stop.Cancel(), cancellationToken: stop.Token);
        weights = ToyTask.Weights(model);
        return result;
    }

    /// <summary>The losses of all evaluations of a training that nothing ends early.</summary>
    private static double[] Losses(VisualPredictiveTrainingOptions options)
    {
        var losses = new List<double>();
        using MetaMorphModel model = ToyTask.Model();
        using var trainer = new VisualPredictiveTrainer(model, options);
        trainer.Train(Rows(), Wrong(), step => { if (step.Validation is { } parts) losses.Add(parts.Total(1)); });
        return [.. losses];
    }

    private static int Best(double[] losses) => Array.IndexOf(losses, losses.Min());

    private static InMemoryTrainingSource Rows() => new(ToyTask.Rows(16));

    /// <summary>Rows that ask for the word of a picture, with the word of the next kind for an answer.</summary>
    private static InMemoryTrainingSource Wrong() => new([.. ToyTask.Rows(12, seed: 8).Where(row => row.Number / ToyTask.Classes % 2 == 0).Select(row =>
    {
        int[] ids = [.. row.Sequence.Ids], labels = [.. row.Sequence.Labels];
        int answer = ids.Length - 2, first = ids[answer] - (int)(row.Number % ToyTask.Classes);
        ids[answer] = labels[answer] = first + (int)((row.Number + 1) % ToyTask.Classes);
        return row with { Sequence = new TokenSequence(ids, labels) };
    })]);
}
