using System.Text.Json;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Losses, gradients and optimizer steps of kind <c>metamorph</c>.</summary>
internal static partial class MetamorphCheck
{
    private static readonly string[] Parts = ["lm_head.", "model.embed_tokens.", "model.layers.", "model.mm_projector.", "vision_head."];

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
        reference.AreClose(reference["language_loss"].item<float>(), loss.Language, tolerance, $"language loss {how}");
        reference.AreClose(reference["visual_loss"].item<float>(), loss.Visual, tolerance, $"visual loss {how}");
        reference.AreClose(reference["loss"].item<float>(), loss.Total(visionCoefficient), tolerance, $"loss {how}");
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        // Each part of the model shows one gradient at least.
        foreach (string part in Parts.Where(part => parameters.Keys.Any(name => name.StartsWith(part, StringComparison.Ordinal)))) reference.Beginning($"grad.{part}");
        foreach (string key in reference.Beginning("grad.")) reference.AreRelativelyClose(reference[key], parameters[key["grad.".Length..]].grad!, gradientTolerance, $"{key} {how}");
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
        CollectionAssert.AreEqual(new long[] { steps, 3 }, losses.shape, $"{reference.Name}: adamw.losses: three of every step");
        for (int step = 0; step < steps; step++)
        {
            flat.ZeroGradients();
            LossParts loss = objective.Accumulate(sequence, visual, sequence.SupervisedTokens, sequence.VisualTargets);
            double[] got = [loss.Total(coefficient), loss.Language, loss.Visual];
            for (int part = 0; part < got.Length; part++) reference.AreClose(losses[step, part].item<double>(), got[part], tolerance, $"adamw.losses: loss part {part} at step {step}");
            optimizer.Step(rate);
        }
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        string[] weights = [.. reference.Beginning("adamw.").Where(key => key != "adamw.losses")];
        Assert.IsNotEmpty(weights, $"{reference.Name}: no weight after the steps to compare");
        foreach (string key in weights)
            reference.AreRelativelyClose(reference[key], parameters[key["adamw.".Length..]], weightTolerance, $"{key} after {steps} steps");
    }
}
