using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>schedule</c>: learning-rate curves against transformers.get_scheduler.</summary>
internal static class ScheduleCheck
{
    [ReferenceKind("schedule")]
    public static void Check(ReferenceCase reference)
    {
        double peak = reference.Json.GetProperty("base_lr").GetDouble(), tolerance = reference.Json.GetProperty("tolerance_relative").GetDouble();
        foreach (JsonElement item in reference.Json.GetProperty("cases").EnumerateArray())
        {
            LearningRateSchedule schedule = Schedule(item, peak);
            Tensor expected = reference[item.GetProperty("key").GetString()!];
            Assert.IsGreaterThan(item.GetProperty("total").GetInt64(), expected.shape[0], $"{reference.Name}: {item.GetRawText()}: a curve reaches the last of its steps");
            for (int step = 0; step < expected.shape[0]; step++)
            {
                double wanted = expected[step].item<double>(), got = schedule.RateAt(step);
                // A rate near the zero of a cosine has lost its leading digits on both sides.
                double allowed = Math.Max(tolerance * Math.Abs(got), 1e-15 * peak);
                reference.AreClose(wanted, got, allowed, $"{item.GetRawText()}: step {step}");
            }
        }
    }

    private static LearningRateSchedule Schedule(JsonElement item, double peak)
    {
        string name = item.GetProperty("schedule").GetString()!;
        int warmup = item.GetProperty("warmup").GetInt32();
        var schedule = new LearningRateSchedule
        {
            Kind = Kind(name),
            BaseRate = peak,
            TotalSteps = item.GetProperty("total").GetInt32(),
            WarmupSteps = name == "constant" ? 0 : warmup,
        };
        foreach (JsonProperty parameter in item.GetProperty("parameters").EnumerateObject())
        {
            double value = parameter.Value.GetDouble();
            schedule = parameter.Name switch
            {
                "num_cycles" => schedule with { Cycles = value },
                "min_lr" or "lr_end" => schedule with { MinimumRate = value },
                "min_lr_rate" => schedule with { MinimumRate = value * peak },
                "power" => schedule with { Power = value },
                // get_scheduler does not pass it on: the published curves with and without it are the same.
                "timescale" when name == "inverse_sqrt" => schedule,
                _ => throw new AssertFailedException($"unknown parameter '{parameter.Name}' in {item.GetRawText()}"),
            };
        }
        // transformers' own defaults
        if (name == "polynomial" && !item.GetProperty("parameters").TryGetProperty("lr_end", out _)) schedule = schedule with { MinimumRate = 1e-7 };
        return schedule;
    }

    private static LearningRateScheduleKind Kind(string name) => name switch
    {
        "linear" => LearningRateScheduleKind.Linear,
        "cosine" => LearningRateScheduleKind.Cosine,
        "cosine_with_restarts" => LearningRateScheduleKind.CosineWithRestarts,
        "cosine_with_min_lr" => LearningRateScheduleKind.CosineWithMinimum,
        "constant" or "constant_with_warmup" => LearningRateScheduleKind.Constant,
        "inverse_sqrt" => LearningRateScheduleKind.InverseSquareRoot,
        "polynomial" => LearningRateScheduleKind.Polynomial,
        _ => throw new AssertFailedException($"unknown schedule '{name}'"),
    };
}
