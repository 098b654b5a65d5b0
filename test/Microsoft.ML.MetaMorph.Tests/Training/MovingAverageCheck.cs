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
        int updates = reference.Tensors.Keys.Count(key => key.StartsWith("update.frozen.", StringComparison.Ordinal));
        var compared = new HashSet<string> { "start", "start.frozen" };
        foreach (int step in Enumerable.Range(0, updates)) compared.UnionWith([$"update.{step}", $"update.frozen.{step}"]);
        foreach (JsonProperty item in reference.Json.GetProperty("cases").EnumerateObject()) Run(reference, item, updates, compared);
        string[] left = [.. reference.Tensors.Keys.Where(key => !compared.Contains(key)).Order(StringComparer.Ordinal)];
        Assert.IsEmpty(left, $"{reference.Name}: not compared: {string.Join(", ", left)}");
    }

    private static void Run(ReferenceCase reference, JsonProperty item, int updates, HashSet<string> compared)
    {
        using var scope = NewDisposeScope();
        var weight = new Parameter(reference["start"].clone());
        var frozen = new Parameter(reference["start.frozen"].clone());
        using var flat = new FlatParameters([new ParameterGroup("trained", [("weight", weight)]), new ParameterGroup("frozen", [("frozen", frozen)], Trainable: false)]);
        using var average = new ExponentialMovingAverage(flat, Settings(item.Value));
        Tensor decays = reference[item.Name + ".decays"];
        CollectionAssert.AreEqual(new long[] { updates }, decays.shape, $"{reference.Name}: {item.Name}: decays of {updates} updates");
        compared.Add(item.Name + ".decays");
        for (int step = 0; step < decays.shape[0]; step++)
        {
            using (no_grad())
            {
                weight.copy_(reference[$"update.{step}"]);
                frozen.copy_(reference[$"update.frozen.{step}"]);
            }
            Assert.AreEqual(decays[step].item<double>(), average.Update(), reference.Tolerance, $"{reference.Name}: {item.Name}: decay {step}");
            average.Swap();
            reference.AreClose(reference[$"{item.Name}.{step}"], weight, reference.Tolerance, $"{item.Name}: average {step}");
            reference.AreClose(reference[$"{item.Name}.frozen.{step}"], frozen, reference.Tolerance, $"{item.Name}: frozen {step}");
            compared.UnionWith([$"{item.Name}.{step}", $"{item.Name}.frozen.{step}"]);
            average.Swap();
            reference.AreClose(reference[$"update.{step}"], weight, 0, $"{item.Name}: value {step} after swapping back");
        }
    }

    private static ExponentialMovingAverageSettings Settings(JsonElement item) => new(
        item.GetProperty("decay").GetDouble(),
        item.GetProperty("min_decay").GetDouble(),
        item.GetProperty("update_after_step").GetInt64(),
        item.GetProperty("use_ema_warmup").GetBoolean(),
        item.GetProperty("inv_gamma").GetDouble(),
        item.GetProperty("power").GetDouble());
}
