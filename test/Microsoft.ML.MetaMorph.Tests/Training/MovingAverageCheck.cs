using System.Text.Json;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>ema</c>: decays and averages against diffusers' EMAModel; frozen parameters are copied.</summary>
internal static class MovingAverageCheck
{
    [ReferenceKind("ema")]
    public static void Check(ReferenceCase reference)
    {
        int updates = reference.Names.Count(key => key.StartsWith("update.frozen.", StringComparison.Ordinal));
        foreach (JsonProperty item in reference.Json.GetProperty("cases").EnumerateObject()) Run(reference, item, updates);
    }

    private static void Run(ReferenceCase reference, JsonProperty item, int updates)
    {
        using var scope = NewDisposeScope();
        var weight = new Parameter(reference["start"].clone());
        var frozen = new Parameter(reference["start.frozen"].clone());
        using var flat = new FlatParameters([new ParameterGroup("trained", [("weight", weight)]), new ParameterGroup("frozen", [("frozen", frozen)], Trainable: false)]);
        using var average = new ExponentialMovingAverage(flat, Settings(item.Value));
        Tensor decays = reference[item.Name + ".decays"];
        CollectionAssert.AreEqual(new long[] { updates }, decays.shape, $"{reference.Name}: {item.Name}: decays of {updates} updates");
        CheckStart(reference, item.Name, average, ("", weight), (".frozen", frozen));
        for (int step = 0; step < decays.shape[0]; step++)
        {
            using (no_grad())
            {
                weight.copy_(reference[$"update.{step}"]);
                frozen.copy_(reference[$"update.frozen.{step}"]);
            }
            reference.AreClose(decays[step].item<double>(), average.Update(), reference.Tolerance, $"{item.Name}: decay {step}");
            average.Swap();
            reference.AreClose(reference[$"{item.Name}.{step}"], weight, reference.Tolerance, $"{item.Name}: average {step}");
            reference.AreClose(reference[$"{item.Name}.frozen.{step}"], frozen, reference.Tolerance, $"{item.Name}: frozen {step}");
            average.Swap();
            reference.AreClose(reference[$"update.{step}"], weight, 0, $"{item.Name}: value {step} after swapping back");
        }
    }

    /// <summary>
    /// Before any update the average is the start. As the first decay is 0, no figure depends on the start's values, so a wrong one can only be told
    /// by what makes it useless: a start that is not finite, or is the first update, could not show that the first decay is 0.
    /// </summary>
    private static void CheckStart(ReferenceCase reference, string item, ExponentialMovingAverage average, params (string Name, Parameter Parameter)[] parameters)
    {
        average.Swap();
        foreach ((string name, Parameter parameter) in parameters)
        {
            Tensor start = reference["start" + name], first = reference[$"update{name}.0"];
            reference.AreClose(start, parameter, 0, $"{item}: start{name} is the average before any update");
            CollectionAssert.AreEqual(first.shape, start.shape, $"{reference.Name}: shape of start{name}");
            Assert.IsTrue((start - first).abs().min().item<float>() > 10 * reference.Tolerance, $"{reference.Name}: start{name} has an element of update{name}.0, so that it does not show what became of the start");
        }
        average.Swap();
    }

    private static ExponentialMovingAverageSettings Settings(JsonElement item) => new(
        item.GetProperty("decay").GetDouble(),
        item.GetProperty("min_decay").GetDouble(),
        item.GetProperty("update_after_step").GetInt64(),
        item.GetProperty("use_ema_warmup").GetBoolean(),
        item.GetProperty("inv_gamma").GetDouble(),
        item.GetProperty("power").GetDouble());
}
