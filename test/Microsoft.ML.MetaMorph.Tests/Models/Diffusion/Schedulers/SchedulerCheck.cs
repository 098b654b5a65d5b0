using System.Globalization;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>
/// Kinds <c>diffusion-schedulers</c>, <c>v-prediction</c> and <c>image-to-image</c>: diffusers' schedulers led by a written-down denoiser.
/// Configurations name no class; the scheduler's name in the case says which it is.
/// </summary>
internal static class SchedulerCheck
{
    private const string Denoiser = "0.6*z + 0.3*tanh(field*(0.2 + t/1000)), z after scale_model_input";

    private static readonly (string Prefix, DiffusionSchedulerKind Kind)[] Names =
    [
        ("euler-ancestral", DiffusionSchedulerKind.EulerAncestral),
        ("euler_ancestral", DiffusionSchedulerKind.EulerAncestral),
        ("euler", DiffusionSchedulerKind.Euler),
        ("dpm", DiffusionSchedulerKind.DpmSolverMultistep),
        ("ddim", DiffusionSchedulerKind.Ddim),
        ("ddpm", DiffusionSchedulerKind.Ddpm),
        ("pndm", DiffusionSchedulerKind.Pndm),
    ];

    [ReferenceKind("diffusion-schedulers")]
    public static void Schedulers(ReferenceCase reference)
    {
        StringAssert.StartsWith(reference.Json.GetProperty("denoiser").GetString(), Denoiser);
        int[] steps = [.. reference.Json.GetProperty("configs").EnumerateObject().SelectMany(item => Steps(reference, item.Name)).Distinct().Order()];
        Assert.IsNotEmpty(steps, $"{reference.Name}: no figures of its configurations");
        foreach (JsonProperty item in reference.Json.GetProperty("configs").EnumerateObject())
        {
            SchedulerConfig config = Config(item.Value, item.Name);
            // Every configuration is run with the same numbers of steps; the figures say with which.
            foreach (int count in steps)
            {
                using DiffusionScheduler scheduler = DiffusionScheduler.Create(config, count);
                string key = FormattableString.Invariant($"{item.Name}.{count}");
                using Tensor start = reference["start"] * (float)scheduler.InitialNoiseScale;
                Run(reference, scheduler, key, start, 0, first: reference.Has(key + ".first"));
            }
        }
        ForwardProcess(reference);
    }

    [ReferenceKind("v-prediction")]
    public static void Predictions(ReferenceCase reference)
    {
        StringAssert.StartsWith(reference.Json.GetProperty("denoiser").GetString(), Denoiser);
        foreach (JsonElement item in reference.Json.GetProperty("cases").EnumerateArray())
        {
            string key = item.GetProperty("key").GetString()!;
            using DiffusionScheduler scheduler = DiffusionScheduler.Create(Config(item.GetProperty("config"), item.GetProperty("scheduler").GetString()!), item.GetProperty("steps").GetInt32());
            double scale = item.GetProperty("init_noise_sigma").GetDouble();
            reference.AreClose(scale, scheduler.InitialNoiseScale, reference.Tolerance, $"{key}: initial noise");
            using Tensor start = reference["start"] * (float)scheduler.InitialNoiseScale;
            Run(reference, scheduler, key, start, 0, first: true);
        }
    }

    [ReferenceKind("image-to-image")]
    public static void ImageToImage(ReferenceCase reference)
    {
        foreach (JsonElement item in reference.Json.GetProperty("cases").EnumerateArray())
        {
            string key = item.GetProperty("key").GetString()!;
            int steps = item.GetProperty("steps").GetInt32();
            using DiffusionScheduler scheduler = DiffusionScheduler.Create(Config(item.GetProperty("config"), item.GetProperty("scheduler").GetString()!), steps);
            int begin = DiffusionSampling.Begin(steps, item.GetProperty("strength").GetDouble());
            Assert.AreEqual(item.GetProperty("begin").GetInt32(), begin, $"{reference.Name}: {key}: begin");
            using Tensor noised = scheduler.AddNoise(reference["start"], reference["noise"], begin);
            reference.AreClose(reference[key + ".noised"], noised, reference.Tolerance, $"{key}: noised");
            Run(reference, scheduler, key, noised, begin);
        }
    }

    /// <summary>The scheduler of a case, which names none in its configuration; the configuration survives being written.</summary>
    public static SchedulerConfig Config(JsonElement json, string scheduler)
    {
        SchedulerConfig config = SchedulerConfig.FromJson(json, Kind(scheduler));
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) config.Write(writer);
        SchedulerConfig read = SchedulerConfig.Parse(System.Text.Encoding.UTF8.GetString(stream.ToArray()));
        Assert.AreEqual(config, read with { TrainedBetas = config.TrainedBetas });
        return read;
    }

    /// <summary>What a case calls a scheduler.</summary>
    public static DiffusionSchedulerKind Kind(string scheduler)
        => Names.Where(name => scheduler.StartsWith(name.Prefix, StringComparison.OrdinalIgnoreCase)).Select(name => (DiffusionSchedulerKind?)name.Kind).FirstOrDefault()
            ?? throw new AssertFailedException($"unknown scheduler '{scheduler}'");

    private static void Run(ReferenceCase reference, DiffusionScheduler scheduler, string key, Tensor start, int begin, bool first = false)
    {
        using var scope = NewDisposeScope();
        double[] timesteps = [.. scheduler.Timesteps.Skip(begin)];
        reference.AreClose(reference[key + ".timesteps"], tensor(timesteps), reference.Tolerance, $"{key}: timesteps");
        Tensor sample = start;
        for (int i = 0; i < timesteps.Length; i++)
        {
            Tensor input = scheduler.ScaleInput(sample, begin + i);
            Tensor prediction = input * 0.6f + (reference["field"] * (float)(0.2 + timesteps[i] / 1000)).tanh() * 0.3f;
            sample = scheduler.Step(sample, prediction, begin + i, scheduler.NeedsNoise ? Noise(reference, key, i) : null);
            if (i == 0 && first) reference.AreClose(reference[key + ".first"], sample, reference.Tolerance, $"{key}: after the first step");
        }
        reference.AreClose(reference[key + ".final"], sample, reference.Tolerance, $"{key}: final sample");
    }

    /// <summary>The noise of a step, stacked or one tensor a step.</summary>
    private static Tensor Noise(ReferenceCase reference, string key, int step)
    {
        return reference.Find(key + ".noise") is { } stacked ? stacked[step].view(reference["start"].shape) : reference[FormattableString.Invariant($"{key}.noise.{step}")];
    }

    private static void ForwardProcess(ReferenceCase reference)
    {
        JsonElement configs = reference.Json.GetProperty("configs");
        // Where the case names no configuration of DDPM, all of its configurations share the schedule.
        JsonElement json = configs.TryGetProperty("ddpm", out JsonElement own) ? own : configs.EnumerateObject().First().Value;
        var noise = new NoiseSchedule(SchedulerConfig.FromJson(json, DiffusionSchedulerKind.Ddpm));
        reference.AreClose(reference["ddpm.alphas_cumprod"], tensor(noise.AlphasCumulative.ToArray()), Math.Min(reference.Tolerance, 1e-6), "alphas_cumprod");
        int[] timesteps = [.. reference["ddpm.add_noise.t"].data<long>().Select(t => (int)t)];
        Tensor samples = reference.Find("ddpm.add_noise.sample") ?? reference["start"].expand(reference["ddpm.add_noise.noise"].shape);
        reference.AreClose(reference["ddpm.add_noise.output"], noise.AddNoise(samples, reference["ddpm.add_noise.noise"], timesteps), reference.Tolerance, "add_noise");
    }

    private static int[] Steps(ReferenceCase reference, string name)
        => [.. reference.Names
            .Where(key => key.StartsWith(name + ".", StringComparison.Ordinal) && key.EndsWith(".final", StringComparison.Ordinal) && key.Length > name.Length + ".final".Length)
            .Select(key => key[(name.Length + 1)..^".final".Length])
            .Where(text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture)).Order()];
}
