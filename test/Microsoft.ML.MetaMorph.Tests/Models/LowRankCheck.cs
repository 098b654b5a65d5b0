using System.Text.Json;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>lora</c>: an adapter of PEFT over a language model: logits without it, with it and merged, gradients, AdamW steps.</summary>
internal static class LowRankCheck
{
    private const string Wrapper = "base_model.model.", Gradient = "grad.", Step = "adamw.", Losses = "adamw.losses", Merged = "merged.", Logits = "logits.";

    [ReferenceKind("lora")]
    public static void Check(ReferenceCase reference)
    {
        Assert.AreEqual("LlamaForCausalLM", reference.Json.GetProperty("model").GetString(), $"{reference.Name}: model");
        CheckLogits(reference);
        CheckGradients(reference);
        CheckSteps(reference);
    }

    /// <summary>The base model of a case, its parameters as its file has them.</summary>
    public static CausalLanguageModel Base(ReferenceCase reference)
        => new(LanguageModelConfig.FromJson(JsonDocument.Parse(File.ReadAllText(reference.Path("config.json"))).RootElement), new PlainParameters(reference.Path("model.safetensors")));

    /// <summary>The folder of a case's adapter.</summary>
    public static string AdapterFolder(ReferenceCase reference) => reference.Path(reference.Json.GetProperty("adapter").GetString()!);

    /// <summary>The logits of a case's ids.</summary>
    public static Tensor Compute(CausalLanguageModel model, Tensor ids) => model.Logits(model.Hidden(model.Embed(ids), SequenceLayout.Causal));

    /// <summary>Adapter and frozen base, as a trainer has them.</summary>
    public static FlatParameters Flat(CausalLanguageModel model, double weightDecay = 0)
        => new([.. ParameterGroup.Decaying("adapter", model.Adapter!.NamedParameters(), weightDecay), ParameterGroup.Of("base", model, trainable: false)]);

    private static CausalLanguageModel Adapted(ReferenceCase reference)
    {
        CausalLanguageModel model = Base(reference);
        using LowRankFolder folder = LowRankFolder.Open(AdapterFolder(reference), CPU);
        folder.Attach(model, model);
        return model;
    }

    private static void CheckLogits(ReferenceCase reference)
    {
        using var mode = no_grad();
        double tolerance = Tolerance(reference, "logits");
        using (CausalLanguageModel plain = Base(reference)) reference.AreClose(reference[Logits + "base"], Compute(plain, reference["input_ids"]), tolerance, Logits + "base");
        using CausalLanguageModel model = Adapted(reference);
        Assert.AreEqual(reference.Json.GetProperty("trainable_parameters").GetInt64(), model.Adapter!.NamedParameters().Sum(entry => entry.Parameter.numel()), $"{reference.Name}: trainable_parameters");
        Dictionary<string, Parameter> weights = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        Dictionary<string, Tensor> before = weights.ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());
        reference.AreClose(reference[Logits + "adapter"], Compute(model, reference["input_ids"]), tolerance, Logits + "adapter");
        Assert.IsGreaterThan(100 * tolerance, (reference[Logits + "adapter"] - reference[Logits + "base"]).abs().max().item<float>(), $"{reference.Name}: the adapter shows nothing");
        Dictionary<string, Tensor> copies = model.Adapter.MergedWeights().ToDictionary();
        model.Adapter.Merge();
        reference.AreClose(reference[Logits + "merged"], Compute(model, reference["input_ids"]), tolerance, Logits + "merged");
        foreach (string key in reference.Beginning(Merged))
        {
            reference.AreClose(reference[key], weights[key[Merged.Length..]], tolerance, key);
            reference.AreClose(reference[key], copies[key[Merged.Length..]], tolerance, $"{key} as a copy");
        }
        model.Adapter.Unmerge();
        foreach ((string name, Tensor weight) in before) reference.AreClose(weight, weights[name], 1e-6, $"{name} merged and taken apart again");
        reference.AreClose(reference[Logits + "adapter"], Compute(model, reference["input_ids"]), tolerance, "logits after merging and taking apart");
    }

    private static void CheckGradients(ReferenceCase reference)
    {
        using CausalLanguageModel model = Adapted(reference);
        using FlatParameters flat = Flat(model);
        autograd.backward(Loss(model, reference));
        Dictionary<string, Parameter> parameters = model.Adapter!.NamedParameters().ToDictionary(entry => Wrapper + entry.Name, entry => entry.Parameter);
        foreach (string factor in (string[])["lora_A", "lora_B"]) Assert.IsTrue(reference.Beginning(Gradient).Any(key => key.Contains(factor, StringComparison.Ordinal)), $"{reference.Name}: no gradient of {factor}");
        foreach (string key in reference.Beginning(Gradient)) reference.AreRelativelyClose(reference[key], parameters[key[Gradient.Length..]].grad!, Tolerance(reference, "grad_relative"), key);
        foreach ((string name, Parameter parameter) in model.named_parameters()) Assert.IsNull(parameter.grad, $"{reference.Name}: gradient of {name}");
    }

    private static void CheckSteps(ReferenceCase reference)
    {
        JsonElement json = reference.Json.GetProperty("adamw");
        using CausalLanguageModel model = Adapted(reference);
        using FlatParameters flat = Flat(model, json.GetProperty("weight_decay").GetDouble());
        using var optimizer = new FlatAdamW(flat, new AdamWSettings(json.GetProperty("betas")[0].GetDouble(), json.GetProperty("betas")[1].GetDouble(), json.GetProperty("eps").GetDouble()));
        Tensor losses = reference[Losses];
        int steps = json.GetProperty("steps").GetInt32();
        CollectionAssert.AreEqual(new long[] { steps }, losses.shape, $"{reference.Name}: {Losses}: one of every step");
        for (int step = 0; step < steps; step++)
        {
            flat.ZeroGradients();
            Tensor loss = Loss(model, reference);
            reference.AreClose(losses[step].item<double>(), loss.item<float>(), Tolerance(reference, "adamw_losses"), $"{Losses} at step {step}");
            autograd.backward(loss);
            optimizer.Step(json.GetProperty("lr").GetDouble());
        }
        Dictionary<string, Parameter> parameters = model.Adapter!.NamedParameters().ToDictionary(entry => Step + Wrapper + entry.Name, entry => entry.Parameter);
        string[] weights = [.. reference.Beginning(Step).Where(key => key != Losses)];
        Assert.IsNotEmpty(weights, $"{reference.Name}: no weight after the steps to compare");
        foreach (string key in weights) reference.AreRelativelyClose(reference[key], parameters[key], Tolerance(reference, "grad_relative"), $"{key} after {steps} steps");
    }

    private static Tensor Loss(CausalLanguageModel model, ReferenceCase reference)
    {
        Tensor ids = reference["input_ids"], logits = Compute(model, ids);
        long length = ids.shape[1];
        return F.cross_entropy(logits.narrow(1, 0, length - 1).flatten(0, 1), ids.narrow(1, 1, length - 1).flatten());
    }

    private static double Tolerance(ReferenceCase reference, string name) => reference.Json.GetProperty("tolerance").GetProperty(name).GetDouble();
}
