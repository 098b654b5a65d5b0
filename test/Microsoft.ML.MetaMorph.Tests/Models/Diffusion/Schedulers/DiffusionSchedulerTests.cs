using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Schedulers against closed forms and each other.</summary>
[TestClass]
public sealed class DiffusionSchedulerTests
{
    private static readonly SchedulerConfig Base = SchedulerConfig.StableDiffusion with { Kind = DiffusionSchedulerKind.Ddim, Spacing = TimestepSpacing.Trailing, SetAlphaToOne = true };

    private static readonly DiffusionSchedulerKind[] Deterministic = [DiffusionSchedulerKind.Ddim, DiffusionSchedulerKind.Euler, DiffusionSchedulerKind.DpmSolverMultistep, DiffusionSchedulerKind.Pndm];

    [TestMethod]
    public void DdimFollowsTheClosedFormOfAPerfectDenoiser()
    {
        using var scope = NewDisposeScope();
        (Tensor sample, Tensor noise) = Pair();
        // Divisors of 1,000: other timesteps are rounded, and DDIM then steps a little beside the list.
        foreach (int steps in new[] { 1, 4, 10, 50 })
        {
            using var scheduler = new DdimScheduler(Base, steps);
            Tensor current = scheduler.AddNoise(sample, noise, 0);
            for (int index = 0; index < steps; index++)
            {
                int before = (int)scheduler.Timesteps[index] - 1000 / steps;
                double alpha = before < 0 ? 1 : scheduler.Noise.AlphasCumulative[before];
                current = scheduler.Step(current, noise, index);
                TensorAssert.AreClose(sample * (float)Math.Sqrt(alpha) + noise * (float)Math.Sqrt(1 - alpha), current, 2e-4, $"{steps} steps, index {index}");
            }
        }
    }

    [TestMethod]
    public void APerfectDenoiserIsFollowedToTheSampleByEveryScheduler()
    {
        using var scope = NewDisposeScope();
        (Tensor sample, Tensor noise) = Pair();
        foreach (DiffusionSchedulerKind kind in Deterministic)
        {
            foreach (TimestepSpacing spacing in Enum.GetValues<TimestepSpacing>())
            {
                // These two go down by a whole stride, which is not where the next timestep of a linspace lies.
                if (spacing == TimestepSpacing.Linspace && kind is DiffusionSchedulerKind.Ddim or DiffusionSchedulerKind.Pndm) continue;
                using DiffusionScheduler scheduler = DiffusionScheduler.Create(Base with { Kind = kind, Spacing = spacing, SkipPrkSteps = true, StepsOffset = 0 }, 20);
                Tensor drawn = Run(scheduler, scheduler.AddNoise(sample, noise, 0), (_, _) => noise);
                TensorAssert.AreClose(sample, drawn, 1e-3, $"{kind}, {spacing}");
            }
        }
    }

    [TestMethod]
    public void NoiseVelocityAndSampleAreTheSamePrediction()
    {
        using var scope = NewDisposeScope();
        (Tensor start, Tensor field) = Pair();
        // Not PNDM: its linear formula over velocities of several timesteps is not the one over noises.
        foreach (DiffusionSchedulerKind kind in Enum.GetValues<DiffusionSchedulerKind>().Where(kind => kind != DiffusionSchedulerKind.Pndm))
        {
            Tensor epsilon = Led(kind, DiffusionPrediction.Epsilon, start, field);
            foreach (DiffusionPrediction type in new[] { DiffusionPrediction.Velocity, DiffusionPrediction.Sample }) TensorAssert.AreClose(epsilon, Led(kind, type, start, field), 2e-3, $"{kind}, {type}");
        }
    }

    [TestMethod]
    public void EulerAndFirstOrderDpmSolverAreDdimInOtherUnits()
    {
        using var scope = NewDisposeScope();
        (Tensor start, Tensor field) = Pair();
        Tensor ddim = Led(DiffusionSchedulerKind.Ddim, DiffusionPrediction.Epsilon, start, field);
        TensorAssert.AreClose(ddim, Led(DiffusionSchedulerKind.Euler, DiffusionPrediction.Epsilon, start, field), 1e-3, "Euler");
        TensorAssert.AreClose(ddim, Led(DiffusionSchedulerKind.DpmSolverMultistep, DiffusionPrediction.Epsilon, start, field, config => config with { SolverOrder = 1 }), 1e-3, "DPM-Solver++ of order 1");
    }

    [TestMethod]
    public void DdimWithAllItsNoiseIsDdpm()
    {
        using var scope = NewDisposeScope();
        (Tensor start, Tensor field) = Pair();
        using var implicitOne = new DdimScheduler(Base, 10) { Eta = 1 };
        using var explicitOne = new DdpmScheduler(Base with { Kind = DiffusionSchedulerKind.Ddpm }, 10);
        Func<Tensor, int, Tensor> denoiser = (sample, index) => sample * 0.3f + (field * (float)(0.2 + implicitOne.Timesteps[index] / 1000)).tanh();
        TensorAssert.AreClose(Run(explicitOne, start, denoiser), Run(implicitOne, start, denoiser), 1e-3, "samples");
    }

    [TestMethod]
    public void HigherOrdersComeNearerToTheExactSolution()
    {
        using var scope = NewDisposeScope();
        (Tensor start, Tensor field) = Pair();
        Tensor exact = Exact(start, field);
        double Error(Func<SchedulerConfig, SchedulerConfig> change, int steps) => (Led(DiffusionSchedulerKind.DpmSolverMultistep, DiffusionPrediction.Epsilon, start, field, change, steps) - exact).abs().max().item<float>();
        double Solver(int order, int steps) => Error(config => config with { SolverOrder = order, SigmaSpacing = SigmaSpacing.Exponential, FinalSigma = FinalSigma.SigmaMin }, steps);
        double Stepper(DiffusionSchedulerKind kind) => Error(config => config with { Kind = kind, SetAlphaToOne = false }, 50);
        double first = Solver(1, 20);
        Assert.IsLessThan(0.7 * first, Solver(1, 40), "first order, twice the steps");
        Assert.IsLessThan(first / 2, Solver(2, 20), "second order");
        Assert.IsLessThan(first / 2, Solver(3, 20), "third order");
        Assert.IsLessThan(Stepper(DiffusionSchedulerKind.Ddim) / 2, Stepper(DiffusionSchedulerKind.Pndm), "four steps back");
    }

    [TestMethod]
    public void KarrasSigmasAreEvenInTheirSeventhRoots()
    {
        var table = new SigmaTable(new NoiseSchedule(Base));
        double[] roots = [.. SigmaTable.Spaced(SigmaSpacing.Karras, table.Largest, table.Least, 9).Select(sigma => Math.Pow(sigma, 1.0 / 7))];
        for (int i = 1; i < 9; i++) Assert.AreEqual((Math.Pow(table.Least, 1.0 / 7) - Math.Pow(table.Largest, 1.0 / 7)) / 8, roots[i] - roots[i - 1], 1e-9);
        foreach (int timestep in new[] { 0, 1, 500, 998, 999 }) Assert.AreEqual(timestep, table.TimestepOf(table.At(timestep)), 1e-3);
        Assert.AreEqual(table.Largest, table.At(5000));
    }

    [TestMethod]
    public void AScheduleThatEndsInNoiseNeedsAnotherPrediction()
    {
        using var scope = NewDisposeScope();
        (Tensor start, Tensor noise) = Pair();
        SchedulerConfig zero = Base with { RescaleBetasZeroSnr = true };
        using var epsilon = new DdimScheduler(zero, 5);
        TensorAssert.Throws<InvalidOperationException>(() => epsilon.Step(start, noise, 0), "timestep 999", "velocity");
        using var velocity = new DdimScheduler(zero with { Prediction = DiffusionPrediction.Velocity }, 5);
        Assert.IsTrue(velocity.Step(start, noise, 0).isfinite().all().item<bool>());
        TensorAssert.Throws<NotSupportedException>(() => new PndmScheduler(Base with { Kind = DiffusionSchedulerKind.Pndm, Prediction = DiffusionPrediction.Sample }, 5), "predicts the sample");
    }

    /// <summary>Noise ratios by their formulas, timesteps as diffusers 0.36 gives them: it reads both ends from the configuration though its class has no such fields.</summary>
    [TestMethod]
    [DataRow("use_karras_sigmas", 0.1, 10.0, new double[] { 934, 792, 594, 328, 94, 10 })]
    [DataRow("use_exponential_sigmas", 0.1, 10.0, new double[] { 933, 743, 493, 224, 60, 10 })]
    [DataRow("use_karras_sigmas", 0.1, null, new double[] { 999, 863, 670, 393, 114, 10 })]
    [DataRow("use_exponential_sigmas", null, 10.0, new double[] { 933, 682, 344, 81, 9, 0 })]
    [DataRow("use_lu_lambdas", 0.1, 10.0, new double[] { 999, 757, 413, 103, 11, 0 })]
    public void DpmSolverSpacesBetweenTheEndsOfTheConfiguration(string spacing, double? least, double? largest, double[] timesteps)
    {
        using var scope = NewDisposeScope();
        string ends = (least is { } min ? FormattableString.Invariant($", \"sigma_min\": {min}") : "") + (largest is { } max ? FormattableString.Invariant($", \"sigma_max\": {max}") : "");
        SchedulerConfig config = SchedulerConfig.Parse($$"""{ "_class_name": "DPMSolverMultistepScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "{{spacing}}": true{{ends}} }""");
        using DiffusionScheduler scheduler = DiffusionScheduler.Create(config, 6);
        CollectionAssert.AreEqual(timesteps, scheduler.Timesteps.ToArray());
        if (spacing == "use_lu_lambdas") (least, largest) = (null, null);
        (double last, double first) = (least ?? scheduler.Noise.NoiseRatio(0), largest ?? scheduler.Noise.NoiseRatio(999));
        double power = spacing == "use_karras_sigmas" ? 1.0 / 7 : 0;
        for (int i = 0; i < 6; i++)
        {
            double expected = power > 0
                ? Math.Pow(Math.Pow(first, power) * (5 - i) / 5 + Math.Pow(last, power) * i / 5, 1 / power)
                : Math.Pow(first, (5 - i) / 5.0) * Math.Pow(last, i / 5.0);
            (double signal, double spread) = Mixture(scheduler, i);
            Assert.AreEqual(expected, spread / signal, 1e-4 * expected, $"step {i}");
        }
    }

    /// <summary>Its class has no such field in diffusers, and passes over it: the figures are those of version 0.36 with the field.</summary>
    [TestMethod]
    public void PndmPassesOverRescaledBetas()
    {
        using var scope = NewDisposeScope();
        SchedulerConfig config = SchedulerConfig.Parse("""{ "_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "skip_prk_steps": true, "rescale_betas_zero_snr": true }""");
        using DiffusionScheduler scheduler = DiffusionScheduler.Create(config, 5);
        CollectionAssert.AreEqual(new double[] { 800, 600, 600, 400, 200, 0 }, scheduler.Timesteps.ToArray());
        Assert.AreEqual(0.00466009508818388, scheduler.Noise.AlphasCumulative[999], 1e-7);
        Assert.AreEqual(1.3276352882385254, Run(scheduler, ones(1), (sample, _) => sample * 0.5f + 0.1f).item<float>(), 1e-5);
    }

    [TestMethod]
    public void TooFewAndTooManyStepsAreRefused()
    {
        foreach (DiffusionSchedulerKind kind in Enum.GetValues<DiffusionSchedulerKind>())
        {
            TensorAssert.Throws<ArgumentOutOfRangeException>(() => DiffusionScheduler.Create(Base with { Kind = kind }, 0), "Steps is 0; it must be between 1 and 1000, the timesteps that the visualizer was trained with.");
            TensorAssert.Throws<ArgumentOutOfRangeException>(() => DiffusionScheduler.Create(Base with { Kind = kind }, 1001), "Steps is 1001; it must be between 1 and 1000, the timesteps that the visualizer was trained with.");
        }
        foreach ((int offset, int fits) in new[] { (1, 999), (2, 998) })
        {
            Assert.AreEqual(
                $"Steps is 1000; Ddim would begin at timestep {999 + offset}, but training had the timesteps 0 to 999 (leading timesteps, steps_offset {offset}). Take {fits}, the next smaller number that fits, or another scheduler. (Parameter 'Steps')",
                Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => DiffusionScheduler.Create(Base with { Kind = DiffusionSchedulerKind.Ddim, Spacing = TimestepSpacing.Leading, StepsOffset = offset }, 1000)).Message);
            using DiffusionScheduler fewer = DiffusionScheduler.Create(Base with { Kind = DiffusionSchedulerKind.Ddim, Spacing = TimestepSpacing.Leading, StepsOffset = offset }, fits);
            Assert.AreEqual(999, fewer.Timesteps[0]);
        }
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => DiffusionScheduler.Create(Base with { Kind = DiffusionSchedulerKind.Pndm, SkipPrkSteps = false }, 3), "at least 4 steps");
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => DiffusionScheduler.Create(Base with { Kind = DiffusionSchedulerKind.DpmSolverMultistep, Spacing = TimestepSpacing.Leading }, 1000), "at most 999 steps");
    }

    [TestMethod]
    public void ASamplingLeavesNoTensors()
    {
        (Tensor start, Tensor field) = Pair();
        long before = LiveTensors.OfThisThread;
        foreach (DiffusionSchedulerKind kind in Enum.GetValues<DiffusionSchedulerKind>())
        {
            using var scope = NewDisposeScope();
            Led(kind, DiffusionPrediction.Epsilon, start, field, steps: 12);
        }
        Assert.AreEqual(before, LiveTensors.OfThisThread);
        start.Dispose();
        field.Dispose();
    }

    /// <summary>Goes the whole way with a denoiser whose picture is a fixed function of the noisy one, told in the asked-for form.</summary>
    private static Tensor Led(DiffusionSchedulerKind kind, DiffusionPrediction type, Tensor start, Tensor field, Func<SchedulerConfig, SchedulerConfig>? change = null, int steps = 20)
    {
        SchedulerConfig config = Base with { Kind = kind, Prediction = type, StepsOffset = 0, SkipPrkSteps = true, ClipSample = false };
        using DiffusionScheduler scheduler = DiffusionScheduler.Create(change?.Invoke(config) ?? config, steps);
        Tensor Prediction(Tensor scaled, int index)
        {
            (double signal, double spread) = Mixture(scheduler, index);
            double units = Math.Sqrt(signal * signal + spread * spread), alpha = signal / units, sigma = spread / units;
            // The best guess where the pictures are normal around the field with deviation 0.5.
            Tensor guess = field + (scaled - field * (float)alpha) * (float)(alpha * 0.25 / (alpha * alpha * 0.25 + sigma * sigma));
            return type switch
            {
                DiffusionPrediction.Sample => guess,
                DiffusionPrediction.Epsilon => (scaled - guess * (float)alpha) / (float)sigma,
                _ => (scaled * (float)alpha - guess) / (float)sigma,
            };
        }
        // All begin at the same place: Euler counts in units of the picture, whatever it is scaled by.
        (double begin, double noise) = Mixture(scheduler, 0);
        return Run(scheduler, start * (float)Math.Sqrt(begin * begin + noise * noise), Prediction);
    }

    /// <summary>The parts of picture and noise in a sample.</summary>
    private static (double Signal, double Spread) Mixture(DiffusionScheduler scheduler, int index)
    {
        using var scope = NewDisposeScope();
        Tensor one = ones(1), zero = zeros(1);
        return (scheduler.AddNoise(one, zero, index).item<float>(), scheduler.AddNoise(zero, one, index).item<float>());
    }

    /// <summary>The probability flow of pictures that are normal around the field with deviation 0.5 keeps each sample's quantile.</summary>
    private static Tensor Exact(Tensor start, Tensor field)
    {
        var noise = new NoiseSchedule(Base);
        (double Alpha, double Deviation) At(int timestep)
        {
            double square = noise.AlphasCumulative[timestep];
            return (Math.Sqrt(square), Math.Sqrt(0.25 * square + 1 - square));
        }
        (double Alpha, double Deviation) begin = At(999), end = At(0);
        return field * (float)end.Alpha + (start - field * (float)begin.Alpha) * (float)(end.Deviation / begin.Deviation);
    }

    private static Tensor Run(DiffusionScheduler scheduler, Tensor start, Func<Tensor, int, Tensor> denoiser)
    {
        using Generator generator = new(9);
        Tensor sample = start;
        for (int index = 0; index < scheduler.Timesteps.Count; index++)
        {
            using Tensor input = scheduler.ScaleInput(sample, index);
            sample = scheduler.Step(sample, denoiser(input, index), index, scheduler.NeedsNoise ? randn(start.shape, generator: generator) : null);
        }
        return sample;
    }

    private static (Tensor, Tensor) Pair()
    {
        using Generator generator = new(5);
        return (randn([2, 3, 4, 4], generator: generator), randn([2, 3, 4, 4], generator: generator));
    }
}
