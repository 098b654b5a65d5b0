using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A training that starts from a weight that is no number says so; its rows are not to blame.</summary>
[TestClass]
public sealed class BrokenStartTests
{
    [TestMethod]
    public void AVisualizersAutoencoder()
    {
        using var scope = NewDisposeScope();
        using var model = new VisualizerModel(TinyDiffusion.Latent, TinyDiffusion.Fresh());
        Break(model, "vae.encoder.conv_in.bias");
        var options = new VisualizerTrainingOptions { BatchSize = 2, MaximumSteps = 2, Precision = Precision.Float32 };
        using var trainer = new DiffusionTrainer(model, model.Codec(), SchedulerConfig.StableDiffusion, options);
        AssertTold("the loss is NaN", "10, 11", "'vae.encoder.conv_in.bias' has 1 of 16", () => trainer.Train([new VisualizerBatch(rand(2, 3, 32, 32), randn(2, 16, 12), [10, 11])]));
    }

    [TestMethod]
    public void AnAutoencoders()
    {
        using var scope = NewDisposeScope();
        using var model = new AutoencoderKL(TinyDiffusion.Autoencoder, TinyDiffusion.Fresh());
        Break(model, "decoder.conv_out.bias");
        using var trainer = new AutoencoderKLTrainer(model, CPU, new AutoencoderTrainingOptions { BatchSize = 2, MaximumSteps = 2, Precision = Precision.Float32 });
        AssertTold("the loss is NaN", "10, 11", "'decoder.conv_out.bias' has 1 of 3", () => trainer.Train([new PictureBatch(rand(2, 3, 32, 32), [10, 11])]));
    }

    [TestMethod]
    public void AMetaMorphs()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = ToyTask.Model();
        (string name, Parameter weight) = model.named_parameters().First(entry => entry.name.StartsWith("model.mm_projector.", StringComparison.Ordinal));
        Break(model, name);
        using var trainer = new VisualPredictiveTrainer(model, new VisualPredictiveTrainingOptions { BatchSize = 4, MaximumSteps = 2, Precision = Precision.Float32 });
        TrainingRow[] rows = [.. ToyTask.Rows(4).Select((row, i) => row with { Number = 20 + i })];
        TrainingDivergedException failure = Assert.ThrowsExactly<TrainingDivergedException>(() => trainer.Train(new InMemoryTrainingSource(rows)));
        Assert.AreEqual($"Step 1: the loss is not finite (language NaN). Rows of the step: {string.Join(", ", failure.Rows)}. {Ending($"'{name}' has 1 of {weight.numel()}")}", failure.Message);
        CollectionAssert.AreEquivalent(new long[] { 20, 21, 22, 23 }, failure.Rows.ToArray());
    }

    private static void AssertTold(string what, string rows, string weight, Action train)
        => Assert.AreEqual($"Step 1: {what}. Rows of the step: {rows}. {Ending(weight)}", Assert.ThrowsExactly<TrainingDivergedException>(train).Message);

    private static string Ending(string weight)
        => $"The model keeps the weights of step 0. The weights with which the training began are broken: {weight} values that are NaN or infinite. Take another copy of them; these rows need not be to blame.";

    private static void Break(nn.Module model, string name)
    {
        using var mode = no_grad();
        using Tensor values = model.named_parameters().Single(entry => entry.name == name).parameter.view(-1);
        values[0] = float.NaN;
    }
}
