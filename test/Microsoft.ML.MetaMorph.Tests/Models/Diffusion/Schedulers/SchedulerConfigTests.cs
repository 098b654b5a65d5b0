using System.Text;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class SchedulerConfigTests
{
    /// <summary>As the published Stable Diffusion 1.5 has it: PNDM with a field of another class.</summary>
    private const string StableDiffusion = """
        {
          "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
          "num_train_timesteps": 1000, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null, "clip_sample": false
        }
        """;

    [TestMethod]
    public void ThePublishedConfigurationIsTheBuiltInOne() => Assert.AreEqual(SchedulerConfig.StableDiffusion, SchedulerConfig.Parse(StableDiffusion));

    [TestMethod]
    public void WhatIsAbsentHasTheDefaultOfTheClass()
    {
        SchedulerConfig config = SchedulerConfig.Parse("""{ "_class_name": "DDIMScheduler" }""");
        Assert.AreEqual(new SchedulerConfig { Kind = DiffusionSchedulerKind.Ddim }, config);
        using DiffusionScheduler ddim = DiffusionScheduler.Create(config, 4), euler = DiffusionScheduler.Create(config with { Kind = DiffusionSchedulerKind.Euler }, 4);
        CollectionAssert.AreEqual(new double[] { 750, 500, 250, 0 }, ddim.Timesteps.ToArray());
        CollectionAssert.AreEqual(new double[] { 999, 666, 333, 0 }, euler.Timesteps.ToArray());
    }

    [TestMethod]
    public void EveryFieldSurvivesWritingAndReading()
    {
        SchedulerConfig[] configs =
        [
            SchedulerConfig.StableDiffusion,
            SchedulerConfig.CosineVelocity,
            new()
            {
                Kind = DiffusionSchedulerKind.DpmSolverMultistep, TrainingSteps = 500, BetaStart = 0.001, BetaEnd = 0.03, BetaSchedule = BetaSchedule.SquaredCosine, Prediction = DiffusionPrediction.Sample,
                Spacing = TimestepSpacing.Trailing, StepsOffset = 2, RescaleBetasZeroSnr = true, SigmaSpacing = SigmaSpacing.LogSignalToNoise, FinalSigma = FinalSigma.SigmaMin, SolverOrder = 3,
                SolverType = SolverType.Heun, Stochastic = true, LowerOrderFinal = false, EulerAtFinal = true, LambdaMinClipped = -5.1,
            },
            new()
            {
                Kind = DiffusionSchedulerKind.Euler, SigmaSpacing = SigmaSpacing.Exponential, SigmaMin = 0.03, SigmaMax = 12, LogLinearInterpolation = true, ContinuousTimesteps = true,
            },
            new() { Kind = DiffusionSchedulerKind.EulerAncestral, SigmaSpacing = SigmaSpacing.Karras },
            new() { Kind = DiffusionSchedulerKind.Ddpm, ClipSample = true, ClipSampleRange = 3, Variance = PosteriorVariance.FixedLarge, SetAlphaToOne = true, SkipPrkSteps = false },
        ];
        foreach (SchedulerConfig config in configs) Assert.AreEqual(config, SchedulerConfig.Parse(Written(config)));
        SchedulerConfig trained = SchedulerConfig.Parse(Written(new SchedulerConfig { Kind = DiffusionSchedulerKind.Ddim, TrainingSteps = 2, TrainedBetas = [0.1f, 0.2f] }));
        CollectionAssert.AreEqual(new[] { 0.1f, 0.2f }, trained.TrainedBetas!.ToArray());
    }

    /// <summary>diffusers passes over the fields of other classes and draws without; Stable Diffusion's own files have some.</summary>
    [TestMethod]
    [DataRow("PNDMScheduler", "\"use_karras_sigmas\": true, \"algorithm_type\": \"sde-dpmsolver++\", \"skip_prk_steps\": true", "use_karras_sigmas algorithm_type")]
    [DataRow("DDIMScheduler", "\"use_exponential_sigmas\": true, \"solver_order\": 3, \"skip_prk_steps\": true, \"clip_sample\": true", "use_exponential_sigmas solver_order")]
    [DataRow("EulerDiscreteScheduler", "\"use_lu_lambdas\": true, \"sigma_min\": 0.1", "use_lu_lambdas")]
    [DataRow("EulerAncestralDiscreteScheduler", "\"use_karras_sigmas\": true, \"final_sigmas_type\": \"sigma_min\", \"clip_sample\": true", "use_karras_sigmas final_sigmas_type clip_sample")]
    [DataRow("DPMSolverMultistepScheduler", "\"use_lu_lambdas\": true, \"timestep_type\": \"continuous\", \"variance_type\": \"fixed_large\"", "timestep_type variance_type")]
    [DataRow("DPMSolverMultistepScheduler", "\"use_karras_sigmas\": true, \"sigma_min\": 0.1, \"sigma_max\": 10, \"interpolation_type\": \"log_linear\"", "interpolation_type")]
    [DataRow("PNDMScheduler", "\"rescale_betas_zero_snr\": true, \"sigma_min\": 0.1, \"sigma_max\": 10, \"skip_prk_steps\": true", "rescale_betas_zero_snr sigma_min sigma_max")]
    public void FieldsOfOtherSchedulersHaveNoEffectAndAreListed(string name, string fields, string unread)
    {
        SchedulerConfig plain = SchedulerConfig.Parse($$"""{ "_class_name": "{{name}}", "skip_prk_steps": true }"""), config = SchedulerConfig.Parse($$"""{ "_class_name": "{{name}}", {{fields}} }""");
        CollectionAssert.AreEqual(unread.Split(' '), config.Unread.ToArray());
        Assert.HasCount(0, plain.Unread);
        if (name == "DPMSolverMultistepScheduler") return;       // some of its fields are its own
        using DiffusionScheduler expected = DiffusionScheduler.Create(plain, 7), actual = DiffusionScheduler.Create(config, 7);
        CollectionAssert.AreEqual(expected.Timesteps.ToArray(), actual.Timesteps.ToArray());
        Assert.AreEqual(expected.InitialNoiseScale, actual.InitialNoiseScale);
    }

    [TestMethod]
    public void PublishedConfigurationsHaveNothingToTell()
    {
        Assert.HasCount(0, SchedulerConfig.StableDiffusion.Unread);
        Assert.HasCount(0, SchedulerConfig.CosineVelocity.Unread);
        // Stable Diffusion 2.1's.
        Assert.HasCount(0, SchedulerConfig.Parse("""{ "_class_name": "DDIMScheduler", "clip_sample": false, "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1 }""").Unread);
    }

    [TestMethod]
    public void DiffusersWayToWriteNoLimitIsRead()
    {
        SchedulerConfig config = SchedulerConfig.Parse("""{ "_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity, "variance_type": null }""");
        Assert.IsNull(config.LambdaMinClipped);
    }

    [TestMethod]
    [DataRow("""{ "_class_name": "DDIMScheduler", "beta_begin": 1, "zeta": 2 }""", "unknown fields 'beta_begin', 'zeta'")]
    [DataRow("""{ "_class_name": "DDIMScheduler", "shift": 1 }""", "unknown field 'shift'")]
    [DataRow("""{ "_class_name": "DDIMScheduler", "thresholding": true }""", "'thresholding', which is not supported")]
    [DataRow("""{ "_class_name": "EulerDiscreteScheduler", "use_beta_sigmas": true }""", "'use_beta_sigmas', which is not supported")]
    [DataRow("""{ "_class_name": "PNDMScheduler", "use_beta_sigmas": true }""", "'use_beta_sigmas', which is not supported. Set it to false or choose another scheduler")]
    [DataRow("""{ "_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver" }""", "'algorithm_type' is 'dpmsolver', which is not supported; it may be 'dpmsolver++', 'sde-dpmsolver++'")]
    [DataRow("""{ "_class_name": "PNDMScheduler", "algorithm_type": "sde-dpmsolver" }""", "'algorithm_type' is 'sde-dpmsolver', which is not supported")]
    [DataRow("""{ "_class_name": "UniPCMultistepScheduler" }""", "'_class_name' is 'UniPCMultistepScheduler', which is not supported; it may be 'PNDMScheduler'")]
    [DataRow("""{ "beta_start": 0.1 }""", "lacks '_class_name'")]
    [DataRow("""{ "_class_name": "DDIMScheduler", "prediction_type": "flow" }""", "'prediction_type' is 'flow'")]
    [DataRow("""{ "_class_name": "DDPMScheduler", "variance_type": "learned_range" }""", "'variance_type' is 'learned_range', which is not supported")]
    [DataRow("""{ "_class_name": "DDIMScheduler", "beta_start": "small" }""", "'beta_start' is \"small\"; it must be a number")]
    [DataRow("""{ "_class_name": "DDIMScheduler", "num_train_timesteps": 0 }""", "'num_train_timesteps' is 0")]
    [DataRow("""{ "_class_name": "DDIMScheduler", "beta_start": 0.5, "beta_end": 0.1 }""", "'beta_end' is 0.1; it must be at least beta_start")]
    [DataRow("""{ "_class_name": "DDIMScheduler", "num_train_timesteps": 3, "trained_betas": [0.1] }""", "'trained_betas' is 1; it must be of num_train_timesteps = 3 values")]
    [DataRow("""{ "_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": true, "use_exponential_sigmas": true }""", "'use_karras_sigmas' and 'use_exponential_sigmas'; at most one")]
    [DataRow("""{ "_class_name": "DPMSolverMultistepScheduler", "solver_order": 4 }""", "'solver_order' is 4")]
    [DataRow("[1]", "must be an object")]
    [DataRow("{", "is not JSON")]
    public void WhatCannotBeFollowedIsNamed(string json, string message)
        => StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => SchedulerConfig.Parse(json)).Message, message);

    [TestMethod]
    public void DefaultsThatDoNotFitAreToldAsSuch()
    {
        static string Refused(string json) => Assert.ThrowsExactly<InvalidDataException>(() => SchedulerConfig.Parse(json)).Message;
        const string Absent = " (the published default: the key is absent)";
        Assert.AreEqual($"scheduler_config.json: 'beta_end' is 0.02{Absent}; it must be at least beta_start, 0.5, and below 1.", Refused("""{ "_class_name": "DDIMScheduler", "beta_start": 0.5 }"""));
        Assert.AreEqual($"scheduler_config.json: 'beta_end' is 1E-05; it must be at least beta_start, 0.0001{Absent}, and below 1.", Refused("""{ "_class_name": "DDIMScheduler", "beta_end": 1e-5 }"""));
        Assert.AreEqual($"scheduler_config.json: 'trained_betas' is 1; it must be of num_train_timesteps = 1000{Absent} values.", Refused("""{ "_class_name": "DDIMScheduler", "trained_betas": [0.1] }"""));
        Assert.AreEqual("scheduler_config.json lacks '_class_name', which says whose defaults hold for what it leaves away; it must be one of PNDMScheduler, DDIMScheduler, EulerDiscreteScheduler, EulerAncestralDiscreteScheduler, DPMSolverMultistepScheduler, DDPMScheduler.", Refused("{}"));
    }

    private static string Written(SchedulerConfig config)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) config.Write(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
