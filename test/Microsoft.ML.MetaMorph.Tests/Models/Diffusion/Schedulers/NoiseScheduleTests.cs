using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Noise schedules against their closed forms.</summary>
[TestClass]
public sealed class NoiseScheduleTests
{
    [TestMethod]
    public void TheSquaredCosineIsACosineOfTheAngle()
    {
        var noise = new NoiseSchedule(SchedulerConfig.CosineVelocity);
        static double Remaining(double time) => Math.Pow(Math.Cos((time + 0.008) / 1.008 * Math.PI / 2), 2);
        foreach (int timestep in new[] { 0, 10, 250, 500, 750, 950 })
            Assert.AreEqual(Remaining((timestep + 1) / 1000.0) / Remaining(0), noise.AlphasCumulative[timestep], 1e-5, $"timestep {timestep}");
    }

    [TestMethod]
    public void LinearBetasMultiplyToTheTable()
    {
        var config = new SchedulerConfig { Kind = DiffusionSchedulerKind.Ddpm, TrainingSteps = 50, BetaStart = 0.001, BetaEnd = 0.05 };
        var noise = new NoiseSchedule(config);
        double product = 1;
        for (int t = 0; t < 50; t++)
        {
            product *= 1 - (0.001 + (0.05 - 0.001) * t / 49);
            Assert.AreEqual(product, noise.AlphasCumulative[t], 1e-6, $"timestep {t}");
            Assert.AreEqual(product / (1 - product), noise.SignalToNoise(t), 1e-3 * product / (1 - product));
            Assert.AreEqual(Math.Sqrt((1 - product) / product), noise.NoiseRatio(t), 1e-4);
        }
        var scaled = new NoiseSchedule(config with { BetaSchedule = BetaSchedule.ScaledLinear });
        Assert.AreEqual(1 - 0.001, scaled.AlphasCumulative[0], 1e-6);
    }

    [TestMethod]
    public void TrainedBetasReplaceTheSchedule()
    {
        var noise = new NoiseSchedule(new SchedulerConfig { Kind = DiffusionSchedulerKind.Ddpm, TrainingSteps = 3, TrainedBetas = [0.5f, 0.25f, 0.5f] });
        CollectionAssert.AreEqual(new[] { 0.5f, 0.375f, 0.1875f }, noise.AlphasCumulative.ToArray());
    }

    [TestMethod]
    public void RescalingEndsAtZeroAndKeepsTheBeginning()
    {
        foreach (BetaSchedule schedule in Enum.GetValues<BetaSchedule>())
        {
            SchedulerConfig config = SchedulerConfig.StableDiffusion with { Kind = DiffusionSchedulerKind.Ddim, BetaSchedule = schedule };
            var plain = new NoiseSchedule(config);
            var rescaled = new NoiseSchedule(config with { RescaleBetasZeroSnr = true });
            Assert.AreEqual(0f, rescaled.AlphasCumulative[^1], $"{schedule}");
            Assert.AreEqual(plain.AlphasCumulative[0], rescaled.AlphasCumulative[0], 1e-6, $"{schedule}");
            Assert.IsTrue(rescaled.AlphasCumulative.Zip(rescaled.AlphasCumulative.Skip(1)).All(pair => pair.First > pair.Second), $"{schedule} falls");
            Assert.IsTrue(double.IsFinite(rescaled.WithFiniteEnd().NoiseRatio(config.TrainingSteps - 1)), $"{schedule}");
        }
    }

    [TestMethod]
    public void NoiseAndVelocityAreAQuarterTurnApart()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        Tensor sample = randn([3, 2, 4, 4], generator: generator), noise = randn([3, 2, 4, 4], generator: generator);
        var schedule = new NoiseSchedule(SchedulerConfig.StableDiffusion);
        int[] timesteps = [0, 400, 999];
        Tensor noisy = schedule.AddNoise(sample, noise, timesteps), velocity = schedule.Velocity(sample, noise, timesteps);
        for (int row = 0; row < 3; row++)
        {
            double alpha = Math.Sqrt(schedule.AlphasCumulative[timesteps[row]]), sigma = Math.Sqrt(1 - schedule.AlphasCumulative[timesteps[row]]);
            TensorAssert.AreClose(sample[row], noisy[row] * (float)alpha - velocity[row] * (float)sigma, 1e-5, $"sample of row {row}");
            TensorAssert.AreClose(noise[row], noisy[row] * (float)sigma + velocity[row] * (float)alpha, 1e-5, $"noise of row {row}");
        }
        TensorAssert.Throws<ArgumentException>(() => schedule.AddNoise(sample, noise, [1, 2]), "2 timesteps", "3 samples");
    }
}
