using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>optimizer</c>: AdamW with groups, decay and clipping against torch.optim.AdamW; the fused and the composed path.</summary>
internal static partial class OptimizerCheck
{
    [ReferenceKind("optimizer")]
    public static void Check(ReferenceCase reference)
    {
        JsonElement json = reference.Json;
        string[] names = [.. json.GetProperty("names").EnumerateArray().Select(n => n.GetString()!)];
        foreach (JsonProperty item in json.GetProperty("cases").EnumerateObject())
        {
            Run(reference, item, names, fused: false);
            if (FusedAdamW.IsAvailable) Run(reference, item, names, fused: true);
        }
    }

    private static void Run(ReferenceCase reference, JsonProperty item, string[] names, bool fused)
    {
        using var scope = NewDisposeScope();
        string what = $"{item.Name} ({(fused ? "fused" : "composed")})";
        Dictionary<string, Parameter> model = names.ToDictionary(n => n, n => new Parameter(reference["start." + n].clone()));
        double rate = item.Value.GetProperty("lr").GetDouble();
        using var flat = new FlatParameters(Groups(item.Value, model, rate));
        using var optimizer = new FlatAdamW(flat, Settings(item.Value), fused);
        int steps = reference.Json.GetProperty("steps").GetInt32();
        int[] shown = Shown(reference, steps);
        CollectionAssert.AreEqual(new long[] { steps }, reference[item.Name + ".norms"].shape, $"{reference.Name}: {what}: norms of {steps} steps");
        for (int step = 0; step < steps; step++)
        {
            foreach (string name in names) model[name].grad!.copy_(reference[$"grad.{step}.{name}"]);
            double? clip = item.Value.GetProperty("clip") is { ValueKind: JsonValueKind.Number } number ? number.GetDouble() : null;
            double norm = clip is { } limit ? flat.ClipGradients(limit) : flat.GradientNorm();
            reference.AreClose(reference[item.Name + ".norms"][step].item<double>(), norm, reference.Tolerance, $"{what}: norm at step {step}");
            optimizer.Step(rate);
            if (!shown.Contains(step + 1)) continue;
            foreach (string name in names) reference.AreClose(reference[$"{item.Name}.step{step + 1}.{name}"], model[name], reference.Tolerance, $"{what}: {name} after step {step + 1}");
        }
        CompareState(reference, item.Name, what, optimizer.ExportState(), names);
    }

    /// <summary>The steps after which values are shown: the last, and those of any case, which every case must then show.</summary>
    private static int[] Shown(ReferenceCase reference, int steps) => [.. reference.Names.Select(name => StepName().Match(name)).Where(match => match.Success)
        .Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)).Append(steps).Distinct().Order()];

    private static void CompareState(ReferenceCase reference, string item, string what, IReadOnlyDictionary<string, Tensor> state, string[] names)
    {
        foreach (string moment in new[] { "exp_avg", "exp_avg_sq" })
        {
            foreach (string name in names) reference.AreClose(reference[$"{item}.{moment}.{name}"], state[$"{moment}.{name}"], reference.Tolerance, $"{what}: {moment} of {name}");
        }
    }

    private static AdamWSettings Settings(JsonElement item)
        => new(item.GetProperty("betas")[0].GetDouble(), item.GetProperty("betas")[1].GetDouble(), item.GetProperty("eps").GetDouble());

    private static IEnumerable<ParameterGroup> Groups(JsonElement item, Dictionary<string, Parameter> model, double rate)
    {
        double decay = item.GetProperty("weight_decay").GetDouble();
        if (!item.TryGetProperty("groups", out JsonElement groups)) return [new ParameterGroup("all", [.. model.Select(p => (p.Key, p.Value))], WeightDecay: decay)];
        return groups.EnumerateArray().Select((group, i) => new ParameterGroup(
            $"group {i}",
            [.. group.GetProperty("names").EnumerateArray().Select(n => (n.GetString()!, model[n.GetString()!]))],
            (group.TryGetProperty("lr", out JsonElement own) ? own.GetDouble() : rate) / rate,
            group.TryGetProperty("weight_decay", out JsonElement ownDecay) ? ownDecay.GetDouble() : decay));
    }

    [GeneratedRegex(@"\.step(\d+)\.")]
    private static partial Regex StepName();
}
