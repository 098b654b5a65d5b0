using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The objective against the formulas, with a denoiser that says nothing: the loss is then the mean square of what it should have said.</summary>
[TestClass]
public sealed class VisualizerObjectiveTests
{
    private static readonly VisualizerTrainingOptions Options = new() { ConditioningDropout = 0 };

    private static readonly SchedulerConfig Config = SchedulerConfig.CosineVelocity;

    [TestMethod]
    public void TheTargetFollowsThePredictionType()
    {
        using var scope = NewDisposeScope();
        using VisualizerBatch batch = Batch();
        var schedule = new NoiseSchedule(Config);
        foreach (DiffusionPrediction type in Enum.GetValues<DiffusionPrediction>())
        {
            var objective = Objective(Config with { Prediction = type }, Options);
            DiffusionDraws draws = objective.Draw(batch, 3);
            Tensor samples = new PlainCodec().Encode(batch.Pictures * 2f - 1f);
            Tensor target = type switch
            {
                DiffusionPrediction.Epsilon => draws.Noise,
                DiffusionPrediction.Sample => samples,
                _ => schedule.Velocity(samples, draws.Noise, draws.Timesteps),
            };
            TensorAssert.AreClose(target.square().mean([1L, 2, 3]), objective.Losses(batch.Pictures, batch.VisualTokens, draws), 1e-5, $"{type}");
        }
    }

    [TestMethod]
    public void TheDenoiserSeesTheNoisySampleItsTimestepAndTheKeptConditioning()
    {
        using var scope = NewDisposeScope();
        using VisualizerBatch batch = Batch();
        var schedule = new NoiseSchedule(Config);
        int calls = 0;
        DiffusionDraws? draws = null;
        var denoiser = new PlainDenoiser
        {
            Answer = (samples, timesteps, conditioning) =>
            {
                calls++;
                Tensor clean = new PlainCodec().Encode(batch.Pictures * 2f - 1f);
                TensorAssert.AreClose(schedule.AddNoise(clean, draws!.Noise, draws.Timesteps), samples, 1e-6, "samples");
                CollectionAssert.AreEqual(draws.Timesteps.Select(t => (float)t).ToArray(), timesteps.data<float>().ToArray());
                TensorAssert.AreClose(batch.VisualTokens * 2f * draws.Kept.view(-1, 1, 1), conditioning.Context, 1e-6, "context");
                TensorAssert.AreClose(batch.VisualTokens.mean([1L, 2]) * draws.Kept, conditioning.Grid![.., 0, 0, 0], 1e-6, "grid");
                return zeros_like(samples);
            },
        };
        var objective = new VisualizerObjective(denoiser, new PlainCodec(), Config, Options with { ConditioningDropout = 0.5 });
        for (int step = 0; step < 4; step++)
        {
            draws = objective.Draw(batch, step);
            objective.Losses(batch.Pictures, batch.VisualTokens, draws);
        }
        Assert.AreEqual(4, calls);
    }

    [TestMethod]
    public void MinimumSnrWeighsAsWritten()
    {
        using var scope = NewDisposeScope();
        using VisualizerBatch batch = Batch();
        var schedule = new NoiseSchedule(Config);
        foreach (DiffusionPrediction type in Enum.GetValues<DiffusionPrediction>())
        {
            SchedulerConfig config = Config with { Prediction = type };
            VisualizerObjective plain = Objective(config, Options), weighted = Objective(config, Options with { MinimumSnrGamma = 5 });
            DiffusionDraws draws = plain.Draw(batch, 0);
            Tensor before = plain.Losses(batch.Pictures, batch.VisualTokens, draws), after = weighted.Losses(batch.Pictures, batch.VisualTokens, draws);
            for (int row = 0; row < batch.Count; row++)
            {
                double snr = schedule.SignalToNoise(draws.Timesteps[row]), least = Math.Min(snr, 5);
                double weight = type switch { DiffusionPrediction.Epsilon => least / snr, DiffusionPrediction.Velocity => least / (snr + 1), _ => least };
                Assert.AreEqual(before[row].item<float>() * weight, after[row].item<float>(), 1e-4 * Math.Max(1, weight), $"{type}, row {row}");
            }
        }
    }

    [TestMethod]
    public void ForegroundIsWhatDiffersFromTheBorder()
    {
        using var scope = NewDisposeScope();
        Tensor picture = full([1, 3, 8, 8], 0.5f);
        picture[0, 1, 2..4, 4..6] = full([2, 2], 0.9f);         // one whole cell of a sample
        picture[0, 0, 0, 0] = tensor(0f);                       // one pixel at the border
        Tensor mask = ForegroundMask.Of(picture, 2);
        var expected = new float[16];
        (expected[1 * 4 + 2], expected[0]) = (1, 0.25f);
        TensorAssert.AreClose(tensor(expected, [1, 1, 4, 4]), mask, 1e-6, "mask");

        VisualizerObjective plain = Objective(Config with { Prediction = DiffusionPrediction.Sample }, Options), weighted = Objective(Config with { Prediction = DiffusionPrediction.Sample }, Options with { ForegroundWeight = 4 });
        using var batch = new VisualizerBatch(picture.clone(), zeros(1, 4, 3));
        DiffusionDraws draws = plain.Draw(batch, 0);
        Tensor errors = new PlainCodec().Encode(picture * 2f - 1f).square().mean([1L], keepdim: true), weights = mask * 3f + 1f;
        TensorAssert.AreClose((errors * weights).sum() / weights.sum(), weighted.Losses(picture, batch.VisualTokens, draws)[0], 1e-6, "weighted");
        TensorAssert.AreClose(errors.mean(), plain.Losses(picture, batch.VisualTokens, draws)[0], 1e-6, "plain");
    }

    [TestMethod]
    public void DrawsAreUniformDropAsOftenAsAskedAndBelongToTheirStep()
    {
        using var scope = NewDisposeScope();
        DiffusionDraws draws = DiffusionDraws.Create(7, 1, [20_000, 2, 1, 1], 10, noiseOffset: 0, dropout: 0.7);
        foreach (int timestep in Enumerable.Range(0, 10)) Assert.AreEqual(2000, draws.Timesteps.Count(t => t == timestep), 200, $"timestep {timestep}");
        Assert.AreEqual(0.3, draws.Kept.mean().item<float>(), 0.02);
        Assert.AreEqual(1, draws.Noise.std().item<float>(), 0.02);
        TensorAssert.AreIdentical(draws.Noise, DiffusionDraws.Create(7, 1, [20_000, 2, 1, 1], 10, 0, 0.7).Noise, "the same step again");
        foreach ((int seed, long step) in new[] { (7, 2L), (8, 1L), (7, 1L + (1L << 32)) })
            Assert.IsGreaterThan(0.1f, (draws.Noise - DiffusionDraws.Create(seed, step, [20_000, 2, 1, 1], 10, 0, 0.7).Noise).abs().max().item<float>(), $"seed {seed}, step {step}");
        Assert.AreEqual(1f, DiffusionDraws.Create(1, 1, [100, 1, 1, 1], 10, 0, 0).Kept.min().item<float>());
        Assert.AreEqual(0f, DiffusionDraws.Create(1, 1, [100, 1, 1, 1], 10, 0, 1).Kept.max().item<float>());
        Tensor shifted = DiffusionDraws.Create(1, 1, [500, 2, 16, 16], 10, noiseOffset: 0.5, dropout: 0).Noise.mean([2L, 3]);
        Assert.AreEqual(Math.Sqrt(0.25 + 1.0 / 256), shifted.std().item<float>(), 0.05);
    }

    private static VisualizerObjective Objective(SchedulerConfig config, VisualizerTrainingOptions options)
        => new(new PlainDenoiser { Answer = (samples, _, _) => zeros_like(samples) }, new PlainCodec(), config, options);

    private static VisualizerBatch Batch()
    {
        using Generator generator = new(4);
        return new VisualizerBatch(rand([5, 3, 8, 8], generator: generator), randn([5, 4, 3], generator: generator));
    }
}
