using System.Text.Json;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Losses, gradients and optimizer steps of kind <c>metamorph</c>.</summary>
internal static partial class MetamorphCheck
{
    static partial void CheckTraining(ReferenceCase reference)
    {
        CheckLossAndGradients(reference, checkpointing: false);
        CheckLossAndGradients(reference, checkpointing: true);
        CheckSteps(reference);
    }

    /// <summary>The loss parts of a case, and every gradient that it holds.</summary>
    public static void CompareLossAndGradients(ReferenceCase reference, MetaMorphModel model, LossParts loss, double visionCoefficient, string how)
    {
        JsonElement tolerances = reference.Json.GetProperty("tolerance");
        double tolerance = tolerances.GetProperty("loss").GetDouble(), gradientTolerance = tolerances.GetProperty("grad_relative").GetDouble();
        Assert.AreEqual(reference["language_loss"].item<float>(), loss.Language, tolerance, $"{reference.Name}: language loss {how}");
        Assert.AreEqual(reference["visual_loss"].item<float>(), loss.Visual, tolerance, $"{reference.Name}: visual loss {how}");
        Assert.AreEqual(reference["loss"].item<float>(), loss.Total(visionCoefficient), tolerance, $"{reference.Name}: loss {how}");
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        string[] expected = [.. reference.Tensors.Keys.Where(k => k.StartsWith("grad.", StringComparison.Ordinal))];
        Assert.AreNotEqual(0, expected.Length, $"{reference.Name}: no gradients to compare");
        foreach (string key in expected) reference.AreRelativelyClose(reference[key], parameters[key["grad.".Length..]].grad!, gradientTolerance, $"{key} {how}");
    }

    private static void CheckLossAndGradients(ReferenceCase reference, bool checkpointing)
    {
        using MetaMorphModel model = Load(reference);
        using var flat = new FlatParameters([ParameterGroup.Of("model", model)]);
        double coefficient = model.Config.VisionCoefficient;
        var objective = new VisualPredictiveObjective(model, coefficient, checkpointing);
        (PackedSequence sequence, Tensor? visual) = ReferenceRows.Pack(ReferenceRows.Of(reference), model.Config);
        LossParts loss = objective.Accumulate(sequence, visual, sequence.SupervisedTokens, sequence.VisualTargets);
        CompareLossAndGradients(reference, model, loss, coefficient, checkpointing ? "with recomputed activations" : "");
        Assert.AreEqual(loss.Total(coefficient), objective.Evaluate(sequence, visual).Total(coefficient), 1e-6, $"{reference.Name}: loss without gradients");
    }

    /// <summary>The trainer's own loop, with its batch of all rows repeated, against torch.optim.AdamW.</summary>
    private static void CheckSteps(ReferenceCase reference)
    {
        JsonElement json = reference.Json.GetProperty("adamw");
        JsonElement tolerances = reference.Json.GetProperty("tolerance");
        double tolerance = tolerances.GetProperty("adamw_losses").GetDouble(), weightTolerance = tolerances.GetProperty("grad_relative").GetDouble();
        using MetaMorphModel model = Load(reference);
        using var flat = new FlatParameters([ParameterGroup.Of("model", model, weightDecay: json.GetProperty("weight_decay").GetDouble())]);
        using var optimizer = new FlatAdamW(flat, new AdamWSettings(json.GetProperty("betas")[0].GetDouble(), json.GetProperty("betas")[1].GetDouble(), json.GetProperty("eps").GetDouble()));
        double coefficient = model.Config.VisionCoefficient, rate = json.GetProperty("lr").GetDouble();
        var objective = new VisualPredictiveObjective(model, coefficient);
        (PackedSequence sequence, Tensor? visual) = ReferenceRows.Pack(ReferenceRows.Of(reference), model.Config);
        int steps = json.GetProperty("steps").GetInt32();
        Tensor losses = reference["adamw.losses"];
        Assert.AreEqual(steps, losses.shape[0], $"{reference.Name}: steps");
        for (int step = 0; step < steps; step++)
        {
            flat.ZeroGradients();
            LossParts loss = objective.Accumulate(sequence, visual, sequence.SupervisedTokens, sequence.VisualTargets);
            double[] got = [loss.Total(coefficient), loss.Language, loss.Visual];
            for (int part = 0; part < got.Length; part++) Assert.AreEqual(losses[step, part].item<double>(), got[part], tolerance, $"{reference.Name}: loss part {part} at step {step}");
            optimizer.Step(rate);
        }
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach (string key in reference.Tensors.Keys.Where(k => k.StartsWith("adamw.", StringComparison.Ordinal) && k != "adamw.losses"))
            reference.AreRelativelyClose(reference[key], parameters[key["adamw.".Length..]], weightTolerance, $"{key} after {steps} steps");
    }
}
