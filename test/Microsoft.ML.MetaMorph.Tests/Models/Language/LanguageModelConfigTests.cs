using System.Text;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class LanguageModelConfigTests
{
    private const string Smallest = """{"vocab_size": 10, "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2, "model_type": "llama" """;

    private const string Unlimited = """, "sliding_window": null""";

    public static IEnumerable<object[]> Names => TinyLanguageModels.Names;

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void WhatIsWrittenIsReadAgain(string name)
    {
        LanguageModelConfig config = TinyLanguageModels.Configs[name];
        LanguageModelConfig read = LanguageModelConfig.FromJson(Json(config.Write));
        CollectionAssert.AreEqual(config.EosTokenIds, read.EosTokenIds);
        Assert.AreEqual(config with { EosTokenIds = read.EosTokenIds }, read);
    }

    [TestMethod]
    public void DefaultsAreTheFamilys()
    {
        LanguageModelConfig llama = Read("");
        Assert.AreEqual((2, 4, 1e-6, 10_000.0, 2048), (llama.KeyValueHeadCount, llama.HeadWidth, llama.NormEpsilon, llama.RopeTheta, llama.MaxPositions));
        Assert.IsFalse(llama.QueryKeyValueBias || llama.OutputBias || llama.QueryKeyNorm || llama.TieWordEmbeddings);
        // The published classes of Qwen2 and Qwen3 have 32 key/value heads, Mistral's 8; a null means as many as there are query heads.
        const string Wide = """, "num_attention_heads": 64, "hidden_size": 128""";
        Assert.AreEqual((64, 32, 32, 8), (Read(Wide).KeyValueHeadCount, Read(Wide, "qwen2").KeyValueHeadCount, Read(Wide, "qwen3").KeyValueHeadCount, Read(Wide + Unlimited, "mistral").KeyValueHeadCount));
        Assert.AreEqual(64, Read(Wide + """, "num_key_value_heads": null""", "qwen2").KeyValueHeadCount);
        Assert.AreEqual((2048, 32_768, 131_072), (Read(Wide).MaxPositions, Read(Wide, "qwen2").MaxPositions, Read(Wide + Unlimited, "mistral").MaxPositions));
        LanguageModelConfig qwen2 = Read(Wide, "qwen2");
        Assert.IsTrue(qwen2.QueryKeyValueBias && !qwen2.OutputBias);
        LanguageModelConfig qwen3 = Read(Wide, "qwen3");
        Assert.IsTrue(qwen3.QueryKeyNorm);
        Assert.AreEqual(128, qwen3.HeadWidth);
    }

    [TestMethod]
    public void NewerSpellingsAreUnderstood()
    {
        LanguageModelConfig config = Read(""", "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 64}, "eos_token_id": [3, 4]""");
        Assert.AreEqual(500_000.0, config.RopeTheta);
        Assert.AreEqual(new RopeScaling(RopeScalingKind.Llama3, 8, 1, 4, 64), config.RopeScaling);
        CollectionAssert.AreEqual((int[])[3, 4], config.EosTokenIds);
        Assert.IsNull(Read(""", "rope_scaling": {"rope_type": "default"}, "eos_token_id": null""").RopeScaling);
        Assert.AreEqual("llama", Read("", "metamorph_llama").ModelType);
    }

    [TestMethod]
    [DataRow(""", "rope_scaling": {"type": "dynamic", "factor": 2.0}""", "dynamic")]
    [DataRow(""", "rope_scaling": {"rope_type": "yarn", "factor": 4.0}""", "yarn")]
    [DataRow(""", "hidden_act": "gelu" """, "gelu")]
    [DataRow(""", "use_sliding_window": true, "sliding_window": 4, "max_position_embeddings": 64""", "sliding_window")]
    [DataRow(""", "layer_types": ["full_attention", "sliding_attention"]""", "sliding_attention")]
    [DataRow(""", "quantization_config": {"quant_method": "awq"}""", "quantization_config")]
    public void WhatIsNotComputedIsRefusedByName(string extra, string named)
        => StringAssert.Contains(Assert.ThrowsExactly<NotSupportedException>(() => Read(extra)).Message, named);

    [TestMethod]
    public void OtherModelsAreRefusedByName()
    {
        Assert.AreEqual("model_type 'gemma2' is not supported. Supported language models: llama, mistral, qwen2, qwen3.", Assert.ThrowsExactly<NotSupportedException>(() => Read("", "gemma2")).Message);
        Assert.AreEqual("sliding_window attention (4096 positions) is not supported.", Assert.ThrowsExactly<NotSupportedException>(() => Read(""", "sliding_window": 4096, "max_position_embeddings": 32768""", "mistral")).Message);
        Assert.AreEqual(8, Read(""", "num_key_value_heads": 2, "max_position_embeddings": 32768""" + Unlimited, "mistral").HiddenSize);
        // Mistral's class has a window where the key is absent.
        Assert.AreEqual("sliding_window attention (4096 positions) (the published default: the key is absent) is not supported.", Assert.ThrowsExactly<NotSupportedException>(() => Read(""", "max_position_embeddings": 32768""", "mistral")).Message);
        Assert.AreEqual(4096, Read(""", "num_key_value_heads": 2, "max_position_embeddings": 4096""", "mistral").MaxPositions);
    }

    [TestMethod]
    [DataRow(""", "num_key_value_heads": 3""", "num_key_value_heads (3)")]
    [DataRow(""", "head_dim": 5""", "head_dim is 5")]
    [DataRow(""", "rms_norm_eps": 0""", "rms_norm_eps")]
    [DataRow(""", "num_key_value_heads": 0""", "num_key_value_heads")]
    [DataRow(""", "head_dim": "four" """, "head_dim")]
    [DataRow(""", "rope_scaling": {"rope_type": "linear"}""", "factor")]
    public void UnusableValuesAreRefusedByName(string extra, string named)
        => StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Read(extra)).Message, named);

    [TestMethod]
    public void AMissingSizeIsNamed()
        => Assert.AreEqual("'hidden_size' is missing; it must be a whole number above zero.", Assert.ThrowsExactly<InvalidDataException>(() => LanguageModelConfig.FromJson(JsonDocument.Parse("""{"model_type": "llama"}""").RootElement)).Message);

    [TestMethod]
    public void AMissingKindIsNamed()
        => Assert.AreEqual("'model_type' is missing; it must be one of llama, mistral, qwen2, qwen3, or metamorph_ with one of them.", Assert.ThrowsExactly<InvalidDataException>(() => LanguageModelConfig.FromJson(JsonDocument.Parse("{}").RootElement)).Message);

    [TestMethod]
    public void ADefaultThatDoesNotFitIsToldAsSuch()
        => Assert.AreEqual("num_attention_heads (2) is no multiple of num_key_value_heads (32) (the published default: the key is absent).", Assert.ThrowsExactly<InvalidDataException>(() => Read("", "qwen2")).Message);

    /// <summary>What a config writes.</summary>
    internal static JsonElement Json(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) write(writer);
        return JsonDocument.Parse(Encoding.UTF8.GetString(stream.ToArray())).RootElement;
    }

    private static LanguageModelConfig Read(string extra, string type = "llama")
        => LanguageModelConfig.FromJson(JsonDocument.Parse(Smallest.Replace("\"llama\"", $"\"{type}\"", StringComparison.Ordinal) + extra + "}").RootElement);
}
