using System.Text;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class SiglipConfigTests
{
    [TestMethod]
    public void AbsentKeysMeanThePublishedDefaults()
    {
        SiglipVisionConfig vision = SiglipVisionConfig.FromJson(Parse("""{"model_type": "siglip_vision_model", "hidden_act": null}"""));
        Assert.AreEqual((768, 3072, 12, 12, 224, 16, 3, true), (vision.HiddenSize, vision.IntermediateSize, vision.HiddenLayers, vision.AttentionHeads, vision.ImageSize, vision.PatchSize, vision.Channels, vision.UseHead));
        Assert.AreEqual(("gelu_pytorch_tanh", 1e-6), (vision.Activation, vision.LayerNormEpsilon));
        SiglipTextConfig text = SiglipTextConfig.FromJson(Parse("""{"hidden_size": 96}"""));
        Assert.AreEqual((32000, 64, 96), (text.VocabularySize, text.MaxPositions, text.ProjectionSize));
        Assert.AreEqual(new SiglipVisionConfig(), SiglipConfig.FromJson(Parse("""{"model_type": "siglip"}""")).Vision);
    }

    [TestMethod]
    public void ATowerIsFoundInsideAWholeModel()
    {
        const string Whole = """{"model_type": "siglip", "vision_config": {"model_type": "siglip_vision_model", "image_size": 32}, "text_config": {"vocab_size": 7}}""";
        Assert.AreEqual(32, SiglipVisionConfig.FromJson(Parse(Whole)).ImageSize);
        Assert.AreEqual(7, SiglipTextConfig.FromJson(Parse(Whole)).VocabularySize);
    }

    [TestMethod]
    public void WhatIsWrittenIsReadAgain()
    {
        var config = new SiglipConfig(
            new SiglipVisionConfig { ImageSize = 64, PatchSize = 8, HiddenSize = 48, IntermediateSize = 99, HiddenLayers = 2, AttentionHeads = 3, Activation = "gelu", UseHead = false, Channels = 1 },
            new() { HiddenSize = 32, AttentionHeads = 2, IntermediateSize = 12, VocabularySize = 40, MaxPositions = 11, ProjectionSize = 48 });
        Assert.AreEqual(config, SiglipConfig.FromJson(Write(config.Write)));
        Assert.AreEqual(config.Vision, SiglipVisionConfig.FromJson(Write(config.Vision.Write)));
        var naflex = new SiglipConfig(
            new Siglip2VisionConfig { PositionCount = 64, PatchSize = 8, HiddenSize = 48, IntermediateSize = 99, HiddenLayers = 2, AttentionHeads = 3, Channels = 1 },
            config.Text);
        Assert.AreEqual(naflex, SiglipConfig.FromJson(Write(naflex.Write)));
        JsonElement written = Write(naflex.Write);
        Assert.AreEqual(("siglip2", "siglip2_text_model"), (written.GetProperty("model_type").GetString(), written.GetProperty("text_config").GetProperty("model_type").GetString()));
    }

    [TestMethod]
    [DataRow("""{"hidden_size": 10, "num_attention_heads": 3}""", "num_attention_heads 3")]
    [DataRow("""{"hidden_size": 0}""", "hidden_size")]
    [DataRow("""{"hidden_size": "wide"}""", "wide")]
    [DataRow("""{"image_size": 8, "patch_size": 9}""", "patch_size 9")]
    [DataRow("""{"model_type": "clip_vision_model"}""", "clip_vision_model")]
    [DataRow("""{"model_type": "siglip2_vision_model"}""", "NaFlex")]
    [DataRow("""{"vision_use_head": 1}""", "vision_use_head")]
    public void UnusableConfigsAreNamed(string json, string named)
        => StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => SiglipVisionConfig.FromJson(Parse(json))).Message, named);

    [TestMethod]
    public void AnUnknownActivationIsNamed()
        => Assert.AreEqual("The activation function \"xielu\" (hidden_act) is not supported. Supported: gelu, gelu_accurate, gelu_fast, gelu_new, gelu_python, gelu_python_tanh, gelu_pytorch_tanh, linear, mish, quick_gelu, relu, relu2, sigmoid, silu, swish, tanh.", Assert.ThrowsExactly<NotSupportedException>(() => SiglipVisionConfig.FromJson(Parse("""{"hidden_act": "xielu"}"""))).Message);

    [TestMethod]
    public void OtherTokenReductionsAreRefusedByName()
    {
        Assert.AreEqual("The token reduction \"mlpmixer\" (image_token_reduction) is not supported. Supported: none, interpolation, concat_interpolation.", Assert.ThrowsExactly<NotSupportedException>(() => TokenReduction.Named("mlpmixer")).Message);
        foreach (TokenReductionKind kind in Enum.GetValues<TokenReductionKind>()) Assert.AreEqual(kind, TokenReduction.Named(TokenReduction.NameOf(kind)));
    }

    [TestMethod]
    public void PicturesAndTextsThatDoNotFitAreNamed()
    {
        using var scope = NewDisposeScope();
        var source = new FreshParameters(CPU, new Generator(1, CPU));
        SiglipVisionModel vision = new(new() { ImageSize = 16, PatchSize = 8, HiddenSize = 8, IntermediateSize = 8, HiddenLayers = 1, AttentionHeads = 1, UseHead = false }, source);
        Assert.AreEqual("Pictures of the shape [1, 3, 16, 17] were given; this encoder takes [pictures, 3, 16, 16]. Resize them first. (Parameter 'pixels')", Assert.ThrowsExactly<ArgumentException>(() => vision.HiddenState(zeros(1, 3, 16, 17))).Message);
        Assert.ThrowsExactly<ArgumentException>(() => vision.HiddenState(zeros(3, 16, 16)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => vision.HiddenState(zeros(1, 3, 16, 16), 2));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => vision.HiddenState(zeros(1, 3, 16, 16), -3));
        Assert.AreEqual("This vision tower has no pooling head (vision_use_head is false); its hidden states can be used, a pooled picture cannot.", Assert.ThrowsExactly<InvalidOperationException>(() => vision.Pooled(zeros(1, 3, 16, 16))).Message);
        SiglipTextModel text = new(new() { HiddenSize = 8, IntermediateSize = 8, HiddenLayers = 1, AttentionHeads = 1, VocabularySize = 5, MaxPositions = 3, ProjectionSize = 8 }, source);
        Assert.AreEqual("Texts of 4 tokens were given; this tower takes 1 to 3 (max_position_embeddings). (Parameter 'ids')", Assert.ThrowsExactly<ArgumentException>(() => text.Pooled(zeros([1, 4], ScalarType.Int64))).Message);
        Assert.AreEqual("5 visual tokens form no square grid; a token reduction needs a square number (1, 4, 16, 64, 256, …).", Assert.ThrowsExactly<ArgumentException>(() => new VisualTokenEncoder(vision.Transformer, new VisualTokenSettings(5))).Message);
        Assert.AreEqual("5 patches form no square grid; token reduction needs square numbers (1, 4, 16, 64, 256, …).", Assert.ThrowsExactly<ArgumentException>(() => TokenReduction.Interpolate(zeros(1, 5, 2), 4)).Message);
    }

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;

    private static JsonElement Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream)) write(writer);
        return Parse(Encoding.UTF8.GetString(stream.ToArray()));
    }
}
