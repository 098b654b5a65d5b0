using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The state of Visual-Predictive Instruction Tuning has the running averages, so that an interrupted training ends with the same ones.</summary>
[TestClass]
public sealed class AveragedResumeTests
{
    private static readonly VisualPredictiveTrainingOptions Options = new() { BatchSize = 8, LearningRate = 5e-3, MaximumSteps = 5, Precision = Precision.Float32, AveragingDecay = 0.9 };

    [TestMethod]
    public void AnInterruptedTrainingEndsWithTheAveragesOfOneThatWasNot()
    {
        using var scope = NewDisposeScope();
        var source = new InMemoryTrainingSource(ToyTask.Rows(16));
        using MetaMorphModel whole = ToyTask.Model(), parts = ToyTask.Model();
        using (var trainer = new VisualPredictiveTrainer(whole, Options)) trainer.Train(source);
        Dictionary<string, Tensor> state;
        using (var trainer = new VisualPredictiveTrainer(parts, Options))
        {
            using var stop = new CancellationTokenSource();
            trainer.Train(source, progress: step => { if (step.Step == 3) stop.Cancel(); }, cancellationToken: stop.Token);
            state = trainer.Optimizer.ExportState().ToDictionary(entry => entry.Key, entry => entry.Value.clone());
        }
        using var second = new VisualPredictiveTrainer(parts, Options);
        second.Optimizer.ImportState(state);
        Assert.AreEqual(5, second.Train(source).Steps);
        Dictionary<string, Tensor> expected = ToyTask.Weights(whole);
        foreach ((string name, Tensor weight) in ToyTask.Weights(parts)) Assert.IsTrue(ToyTask.SameBits(expected[name], weight), name);
    }
}
