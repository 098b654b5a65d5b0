using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The loop over real visualizers, small enough to train for some steps in a moment.</summary>
[TestClass]
public sealed class VisualizerModelTrainingTests
{
    private static readonly VisualizerTrainingOptions Options = VisualizerTrainingOptions.FromNothing with { MaximumSteps = 3, AveragingDecay = null, Precision = Precision.Float32, MaximumGradientNorm = null };

    public static IEnumerable<object[]> Visualizers() => [["latent"], ["pixels"]];

    [TestMethod]
    [DynamicData(nameof(Visualizers))]
    public void RecomputedGradientsAreTheKeptOnes(string kind)
    {
        foreach (string frozen in new[] { "nothing", "adapter.", "unet." })
        {
            using var scope = NewDisposeScope();
            Dictionary<string, Tensor> kept = Gradients(kind, frozen, checkpointing: false), recomputed = Gradients(kind, frozen, checkpointing: true);
            CollectionAssert.AreEquivalent(kept.Keys, recomputed.Keys, frozen);
            foreach (string name in kept.Keys) TensorAssert.AreClose(kept[name], recomputed[name], 1e-5 * Math.Max(1, kept[name].abs().max().item<float>()), $"{frozen} frozen: {name}");
        }
    }

    /// <summary>Each error leads into its own weights: those of the visualizer without its autoencoder, and those of the autoencoder alone.</summary>
    [TestMethod]
    public void AllLearnsTheAutoencoderBesideTheRest()
    {
        using var scope = NewDisposeScope();
        VisualizerTrainingOptions all = Options with { Parts = VisualizerParts.All };
        (Dictionary<string, Tensor> together, double loss, DiffusionDraws draws) = Gradients(all);
        (Dictionary<string, Tensor> without, double denoising, _) = Gradients(Options);
        using VisualizerModel model = Model("latent");
        using VisualizerBatch batch = Batches("latent").First();
        AutoencoderLosses own = new AutoencoderObjective(model.Autoencoder!, CPU, new AutoencoderTrainingOptions()).Accumulate(batch.Pictures, draws.LatentNoise!, 2);
        Assert.AreEqual(denoising + own.Total, loss, 1e-4);
        foreach ((string name, Tensor gradient) in without) TensorAssert.AreClose(gradient, together[name], 1e-6 * Math.Max(1, gradient.abs().max().item<float>()), name);
        foreach ((string name, var parameter) in model.Autoencoder!.named_parameters()) TensorAssert.AreClose(parameter.grad!, together[$"vae.{name}"], 1e-5 * Math.Max(1, parameter.grad!.abs().max().item<float>()), name);
        Assert.IsFalse((draws.Noise.flatten()[..8] - draws.LatentNoise!.flatten()[..8]).abs().max().item<float>() < 1e-6, "another noise");

        Dictionary<string, Tensor> before = ToyTask.Weights(model), after = Train("latent", all with { ConditioningDropout = 0 }), parts = Train("latent", all with { ConditioningDropout = 0, PicturesAtATime = 1 });
        foreach ((string name, Tensor weight) in before) Assert.IsFalse(ToyTask.SameBits(weight, after[name]), name);
        foreach ((string name, Tensor weight) in after) TensorAssert.AreClose(weight, parts[name], 1e-3, name);

        static (Dictionary<string, Tensor>, double, DiffusionDraws) Gradients(VisualizerTrainingOptions options)
        {
            using VisualizerModel learning = Model("latent");
            var objective = new VisualizerObjective(learning, learning.Codec(), learning.Config.Scheduler!, options);
            using VisualizerBatch asked = Batches("latent").First();
            DiffusionDraws drawn = objective.Draw(asked, 4);
            double evaluated = objective.Evaluate(asked, drawn, 0, 2), value = objective.Accumulate(asked, drawn, 0, 2);
            Assert.AreEqual(evaluated, value, 1e-4);
            return (learning.named_parameters().Where(p => p.parameter.grad is not null).ToDictionary(p => p.name, p => p.parameter.grad!.clone()), value, drawn);
        }
    }

    [TestMethod]
    public void PixelsHaveNoAutoencoderToTrain()
    {
        using VisualizerModel model = Model("pixels");
        Assert.AreEqual(
            "Parts is All, but the visualizer denoises pixels and has no autoencoder to train. Choose AdapterAndDenoiser, or a visualizer with an autoencoder.",
            Assert.ThrowsExactly<ArgumentException>(() => new DiffusionTrainer(model, model.Codec(), model.Config.Scheduler!, Options with { Parts = VisualizerParts.All })).Message);
    }

    /// <summary>What is dropped depends on seed, step and row only: not on how often or in which parts it is computed.</summary>
    [TestMethod]
    public void DroppedActivationsAreTheSameHoweverAStepIsComputed()
    {
        using var scope = NewDisposeScope();
        VisualizerConfig config = TinyDiffusion.Latent with { UNet = TinyDiffusion.UNet with { Dropout = 0.3 } };
        Dictionary<string, Tensor> kept = Step(config, Options), none = Step(TinyDiffusion.Latent, Options);
        Assert.IsGreaterThan(1e-4f, (kept["unet.conv_in.weight"] - none["unet.conv_in.weight"]).abs().max().item<float>());
        foreach (VisualizerTrainingOptions other in new[] { Options with { ActivationCheckpointing = true }, Options with { PicturesAtATime = 1 } })
        {
            Dictionary<string, Tensor> found = Step(config, other);
            foreach (string name in kept.Keys) TensorAssert.AreClose(kept[name], found[name], 1e-5 * Math.Max(1, kept[name].abs().max().item<float>()), name);
        }

        Dictionary<string, Tensor> Step(VisualizerConfig each, VisualizerTrainingOptions options)
        {
            using var model = new VisualizerModel(each, TinyDiffusion.Fresh());
            var parts = new PictureParts<VisualizerBatch, DiffusionDraws, double>(new VisualizerObjective(model, model.Codec(), each.Scheduler!, options), options.PicturesAtATime);
            using VisualizerBatch batch = Batches("latent").First();
            parts.Accumulate(batch, new StepRows(5, []), CancellationToken.None);
            return model.named_parameters().Where(p => p.parameter.grad is not null).ToDictionary(p => p.name, p => p.parameter.grad!.clone());
        }
    }

    /// <summary>Neither evaluations nor drawings drop anything, in a training or after it.</summary>
    [TestMethod]
    public void OnlyLearningDropsActivations()
    {
        using var scope = NewDisposeScope();
        VisualizerConfig config = TinyDiffusion.Latent with { UNet = TinyDiffusion.UNet with { Dropout = 0.3 } };
        using VisualizerModel plain = new(TinyDiffusion.Latent, TinyDiffusion.Fresh()), dropping = new(config, TinyDiffusion.Fresh());
        VisualizerObjective asked = new(plain, plain.Codec(), config.Scheduler!, Options), learning = new(dropping, dropping.Codec(), config.Scheduler!, Options);
        using VisualizerBatch batch = Batches("latent").First();
        DiffusionDraws draws = asked.Draw(batch, 2);
        double expected = asked.Evaluate(batch, draws, 0, 2);
        Assert.AreEqual(expected, learning.Evaluate(batch, draws, 0, 2), 1e-6);
        Assert.IsGreaterThan(1e-3, Math.Abs(learning.Accumulate(batch, draws, 0, 2) - expected));
        Assert.AreEqual(expected, learning.Evaluate(batch, draws, 0, 2), 1e-6);
        Tensor tokens = batch.VisualTokens.narrow(0, 0, 1);
        var quick = new ImageGenerationOptions { Steps = 3, GuidanceScale = 2 };
        TensorAssert.AreIdentical(new PictureSampler(plain, plain.Codec(), config.Scheduler!).Draw(tokens, [1], quick), new PictureSampler(dropping, dropping.Codec(), config.Scheduler!).Draw(tokens, [1], quick), "drawn");
    }

    [TestMethod]
    [DynamicData(nameof(Visualizers))]
    public void TheAutoencoderStaysAndTheRestLearns(string kind)
    {
        using var scope = NewDisposeScope();
        using VisualizerModel start = Model(kind);
        Dictionary<string, Tensor> before = ToyTask.Weights(start), after = Train(kind, Options with { ConditioningDropout = 0 });
        foreach ((string name, Tensor weight) in before)
            Assert.AreEqual(name.StartsWith("vae.", StringComparison.Ordinal), ToyTask.SameBits(weight, after[name]), name);
    }

    [TestMethod]
    [DynamicData(nameof(Visualizers))]
    public void StepsKeepNoTensor(string kind)
    {
        using VisualizerModel model = Model(kind);
        foreach (bool checkpointing in new[] { false, true })
        {
            using var trainer = new DiffusionTrainer(model, model.Codec(), model.Config.Scheduler!, Options with { MaximumSteps = 6, ActivationCheckpointing = checkpointing });
            var live = new List<long>();
            trainer.Train(Batches(kind), progress: _ => live.Add(LiveTensors.OfThisThread));
            Assert.AreEqual(live[2], live[^1], $"checkpointing {checkpointing}");
        }
    }

    [TestMethod]
    public void AFreshVisualizerDrawsFromWhatItLearnt()
    {
        using var scope = NewDisposeScope();
        using VisualizerModel model = Model("pixels");
        using (var trainer = new DiffusionTrainer(model, model.Codec(), model.Config.Scheduler!, Options))
        {
            Assert.AreEqual(3, trainer.Train(Batches("pixels")).Steps);
            Assert.IsTrue(double.IsFinite(trainer.Evaluate(Batches("pixels").Take(2))));
        }
        var sampler = new PictureSampler(model, model.Codec(), model.Config.Scheduler!);
        Tensor tokens = randn(2, 16, 12), all = sampler.Draw(tokens, [1, 2], new ImageGenerationOptions { Steps = 4, GuidanceScale = 2 });
        CollectionAssert.AreEqual(new long[] { 2, 3, 64, 64 }, all.shape);
        TensorAssert.AreClose(all.narrow(0, 1, 1), sampler.Draw(tokens.narrow(0, 1, 1), [2], new ImageGenerationOptions { Steps = 4, GuidanceScale = 2 }), 1e-3, "the second picture alone");
    }

    private static Dictionary<string, Tensor> Gradients(string kind, string frozen, bool checkpointing)
    {
        using VisualizerModel model = Model(kind);
        foreach ((string name, var parameter) in model.named_parameters()) parameter.requires_grad = !name.StartsWith(frozen, StringComparison.Ordinal);
        var objective = new VisualizerObjective(model, model.Codec(), model.Config.Scheduler!, Options with { ActivationCheckpointing = checkpointing });
        using VisualizerBatch batch = Batches(kind).First();
        DiffusionDraws draws = objective.Draw(batch, 0);
        Assert.AreEqual(objective.Losses(batch.Pictures, batch.VisualTokens, draws).sum().item<float>(), objective.Accumulate(batch.Pictures, batch.VisualTokens, draws, batch.Count), 1e-5);
        return model.named_parameters().Where(p => p.parameter.grad is not null).ToDictionary(p => p.name, p => p.parameter.grad!.clone());
    }

    private static Dictionary<string, Tensor> Train(string kind, VisualizerTrainingOptions options)
    {
        using VisualizerModel model = Model(kind);
        using var trainer = new DiffusionTrainer(model, model.Codec(), model.Config.Scheduler!, options);
        trainer.Train(Batches(kind));
        return ToyTask.Weights(model);
    }

    private static VisualizerModel Model(string kind) => new(kind == "latent" ? TinyDiffusion.Latent : TinyDiffusion.Pixels, TinyDiffusion.Fresh());

    private static IEnumerable<VisualizerBatch> Batches(string kind)
    {
        int side = kind == "latent" ? 16 : 32;
        for (ulong step = 0; ; step++)
        {
            using Generator generator = new(step);
            yield return new VisualizerBatch(rand([2, 3, side, side], generator: generator).DetachFromDisposeScope(), randn([2, 16, 12], generator: generator).DetachFromDisposeScope());
        }
    }
}
