using System.Text.Json;
using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What an <c>adapter_config.json</c> says, and what is refused of it.</summary>
[TestClass]
public sealed class LowRankConfigTests
{
    private const string Layer = "model.layers.1.self_attn.q_proj";

    [TestMethod]
    [DataRow("""["q_proj"]""", Layer, true)]
    [DataRow("""["proj"]""", Layer, false)]
    [DataRow("""["self_attn.q_proj"]""", Layer, true)]
    [DataRow("""["layers.0.self_attn.q_proj"]""", Layer, false)]
    [DataRow("\"all-linear\"", Layer, true)]
    [DataRow("\"ALL-LINEAR\"", Layer, true)]
    [DataRow("\"all-linear\"", "lm_head", false)]
    [DataRow("""["lm_head"]""", "lm_head", true)]
    [DataRow("\".*self_attn.*(q|v)_proj\"", Layer, true)]
    [DataRow("\"self_attn.*(q|v)_proj\"", Layer, false)]
    public void TargetsAreFoundAsInPeft(string targets, string name, bool expected)
        => Assert.AreEqual(expected, Parse(json => json["target_modules"] = JsonNode.Parse(targets)).IsTarget(name));

    [TestMethod]
    public void WhatIsExcludedOrSavedIsNoTarget()
    {
        LowRankConfig excluded = Parse(json => json["exclude_modules"] = new JsonArray("layers.1.self_attn.q_proj")), saved = Parse(json => json["modules_to_save"] = new JsonArray("self_attn"));
        Assert.IsFalse(excluded.IsTarget(Layer));
        Assert.IsTrue(excluded.IsTarget("model.layers.0.self_attn.q_proj"));
        Assert.IsFalse(saved.IsTarget(Layer));
        Assert.IsTrue(saved.IsSaved(Layer + ".weight"));
        Assert.IsFalse(saved.IsSaved("model.layers.1.self_attn_norm.weight"));
    }

    [TestMethod]
    [DataRow("q_proj", 2)]
    [DataRow("layers.1.self_attn.q_proj", 2)]
    [DataRow("layers\\.[0-9]\\.self_attn.(q|k)_proj", 2)]
    [DataRow("^model.layers.1.self_attn.q_proj", 2)]
    [DataRow("proj", 8)]
    [DataRow("ayers.1.self_attn.q_proj", 8)]
    [DataRow("q_proj.", 8)]
    public void ARankPatternMatchesTheEndOfAName(string pattern, int expected)
    {
        LowRankConfig config = Parse(json =>
        {
            json["rank_pattern"] = new JsonObject { [pattern] = 2, ["q_proj"] = expected };
            json["alpha_pattern"] = new JsonObject { [pattern] = 3.5 };
        });
        Assert.AreEqual(expected, config.RankOf(Layer), "the first that matches counts");
        Assert.AreEqual((expected == 2 ? 3.5 : 16) / expected, config.ScaleOf(Layer), 1e-12);
        Assert.AreEqual((expected == 2 ? 3.5 : 16) / Math.Sqrt(expected), (config with { RankStabilized = true }).ScaleOf(Layer), 1e-12);
    }

    [TestMethod]
    public void WhatIsWrittenIsReadAgain()
    {
        LowRankConfig config = Parse(json =>
        {
            json["use_rslora"] = true;
            json["lora_dropout"] = 0.25;
            json["rank_pattern"] = new JsonObject { ["v_proj"] = 2 };
            json["alpha_pattern"] = new JsonObject { ["v_proj"] = 1.5 };
            json["modules_to_save"] = new JsonArray("mm_projector");
            json["exclude_modules"] = "lm_head";
        });
        LowRankConfig again = LowRankConfigJson.Parse(JsonFile.Value(writer => LowRankConfigJson.Write(writer, config)));
        Assert.IsTrue(config.IsLike(again));
        Assert.AreEqual(0.25, again.Dropout);
        Assert.AreEqual(1.5 / Math.Sqrt(2), again.ScaleOf("v_proj"), 1e-12);
        Assert.IsFalse(config.IsLike(again with { Alpha = 15 }));
    }

    [TestMethod]
    [DataRow("peft_type", "\"LOHA\"", "'peft_type' is \"LOHA\"; only \"LORA\" is supported.")]
    [DataRow("bias", "\"all\"", "'bias' is \"all\"; adapters that train biases are not supported, only \"none\" is.")]
    [DataRow("use_dora", "true", "'use_dora' is true, which is not supported; a plain LoRA adapter has it null, false or empty. Merge the adapter with PEFT (merge_and_unload) and open the merged model instead.")]
    [DataRow("layers_to_transform", "[0]", "'layers_to_transform' is [0], which is not supported; a plain LoRA adapter has it null, false or empty. Merge the adapter with PEFT (merge_and_unload) and open the merged model instead.")]
    [DataRow("an_unknown_entry", "3", "'an_unknown_entry' is 3, which is not supported; a plain LoRA adapter has it null, false or empty. Merge the adapter with PEFT (merge_and_unload) and open the merged model instead.")]
    [DataRow("init_lora_weights", "\"pissa\"", "'init_lora_weights' is \"pissa\", which changes the base model's weights; convert the adapter with PEFT (save_pretrained with path_initial_model_for_weight_conversion).")]
    public void WhatIsNotBuiltIsRefused(string key, string value, string message)
        => Assert.AreEqual(message, Assert.ThrowsExactly<NotSupportedException>(() => Parse(json => json[key] = JsonNode.Parse(value))).Message);

    [TestMethod]
    [DataRow("r", "0", "'r' is 0; it must be a whole number above zero.")]
    [DataRow("lora_alpha", "\"x\"", "'lora_alpha' is \"x\"; it must be a number.")]
    [DataRow("lora_dropout", "1", "'lora_dropout' is 1; it must be at least 0 and below 1.")]
    [DataRow("target_modules", "null", "'target_modules' is missing; it must be a list of names, a pattern, or \"all-linear\".")]
    [DataRow("target_modules", "[3]", "'target_modules' is [3]; it must be a list of names.")]
    [DataRow("rank_pattern", "{\"a\": 0}", "'a' is 0; it must be a whole number above zero.")]
    public void WhatCannotBeIsRefused(string key, string value, string message)
        => Assert.AreEqual(message, Assert.ThrowsExactly<InvalidDataException>(() => Parse(json => json[key] = JsonNode.Parse(value))).Message);

    /// <summary>Entries that say "nothing of that", known or not, as newer versions of PEFT add them.</summary>
    [TestMethod]
    [DataRow("a_newer_entry", "null")]
    [DataRow("a_newer_entry", "false")]
    [DataRow("a_newer_entry", "{}")]
    [DataRow("peft_version", "\"9\"")]
    public void WhatSaysNothingIsPassedOver(string key, string value) => Assert.AreEqual(8, Parse(json => json[key] = JsonNode.Parse(value)).Rank);

    [TestMethod]
    public void AnAdapterOfAnotherModelIsNamedWithBothShapes()
    {
        ReferenceCase reference = ReferenceCase.Own("lora").First();
        using LowRankFolder folder = LowRankFolder.Open(LowRankCheck.AdapterFolder(reference), CPU);
        using CausalLanguageModel other = TinyLanguageModels.Create("llama-2");
        string message = Assert.ThrowsExactly<InvalidDataException>(() => folder.Attach(other, other)).Message;
        foreach (string fact in new[] { $"The adapter '{folder.Folder}' does not fit the model, which is another one than it was trained for: ", "adapter_model.safetensors': tensor 'base_model.model.model.layers.0.", "has the shape [4, 32], the model needs [4, 24]" })
            StringAssert.Contains(message, fact);
        Assert.IsNull(other.Adapter);
        Assert.IsTrue(other.modules().OfType<Linear>().All(layer => layer.Update is null));
    }

    [TestMethod]
    public void ATensorThatNobodyAsksForIsNamed()
    {
        ReferenceCase reference = ReferenceCase.Own("lora").First();
        using var scratch = new ScratchFolder();
        string from = LowRankCheck.AdapterFolder(reference);
        File.Copy(Path.Combine(from, "adapter_config.json"), scratch["adapter_config.json"]);
        Dictionary<string, Tensor> tensors = PlainSafeTensors.Read(Path.Combine(from, "adapter_model.safetensors"));
        const string Extra = "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector";
        tensors[Extra] = ones(32);
        SafeTensorsWriter.Write(scratch["adapter_model.safetensors"], tensors);
        using LowRankFolder folder = LowRankFolder.Open(scratch.Path, CPU);
        using CausalLanguageModel model = LowRankCheck.Base(reference);
        TensorAssert.Throws<InvalidDataException>(() => folder.Attach(model, model), "leaves 1 unread: " + Extra);
    }

    /// <summary>PEFT's own files are the oracle: the same tensors under the same names, and each entry that we write has PEFT's value.</summary>
    [TestMethod]
    public void WhatPeftWroteIsWrittenAgain()
    {
        foreach (ReferenceCase reference in ReferenceCase.Own("lora"))
        {
            using var scope = NewDisposeScope();
            using var scratch = new ScratchFolder();
            string from = LowRankCheck.AdapterFolder(reference);
            using LowRankFolder folder = LowRankFolder.Open(from, CPU);
            using CausalLanguageModel model = LowRankCheck.Base(reference);
            LowRankFolder.Save(scratch.Path, model, folder.Attach(model, model), tied: false);
            Dictionary<string, Tensor> wanted = PlainSafeTensors.Read(Path.Combine(from, "adapter_model.safetensors")), got = PlainSafeTensors.Read(scratch["adapter_model.safetensors"]);
            CollectionAssert.AreEquivalent(wanted.Keys.ToArray(), got.Keys.ToArray(), reference.Name);
            foreach (string name in wanted.Keys) TensorAssert.AreIdentical(wanted[name], got[name], name);
            JsonObject theirs = Json(Path.Combine(from, "adapter_config.json")), ours = Json(scratch["adapter_config.json"]);
            foreach ((string key, JsonNode? value) in ours) Assert.IsTrue(JsonNode.DeepEquals(theirs[key], value), $"{reference.Name}: '{key}' is {value?.ToJsonString()}, PEFT has {theirs[key]?.ToJsonString()}");
        }

        static JsonObject Json(string path) => JsonNode.Parse(File.ReadAllText(path))!.AsObject();
    }

    private static LowRankConfig Parse(Action<JsonObject> change)
    {
        var json = new JsonObject { ["peft_type"] = "LORA", ["r"] = 8, ["lora_alpha"] = 16, ["target_modules"] = new JsonArray("q_proj", "v_proj"), ["bias"] = "none", ["init_lora_weights"] = true };
        change(json);
        return LowRankConfigJson.Parse(JsonSerializer.Deserialize<JsonElement>(json.ToJsonString()));
    }
}
