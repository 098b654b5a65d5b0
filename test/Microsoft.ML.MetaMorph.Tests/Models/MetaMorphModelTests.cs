using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class MetaMorphModelTests
{
    public static IEnumerable<object[]> Connectors =>
        from projector in (string[])["linear", "mlp1x_gelu", "mlp2x_gelu", "mlp3x_gelu", "identity"]
        from head in (string[])["linear", "mlp", "mlp2x_gelu"]
        select new object[] { projector, head };

    internal static MetaMorphConfig Config(LanguageModelConfig language, string projector = "mlp2x_gelu", string head = "mlp") => new()
    {
        Language = language,
        VisualTokenWidth = projector == "identity" ? language.HiddenSize : 10,
        VisualTokenCount = 4,
        Projector = projector,
        VisionHead = head,
        ImageStartId = 59,
        ImageEndId = 60,
    };

    [TestMethod]
    [DynamicData(nameof(Connectors))]
    public void ConnectorsHaveThePublishedNames(string projector, string head)
    {
        using MetaMorphModel model = Create(projector, head);
        string[] expectedProjector = projector switch
        {
            "identity" => [],
            "linear" => ["model.mm_projector.bias", "model.mm_projector.weight"],
            _ => [.. Enumerable.Range(0, projector[3] - '0').SelectMany(i => (string[])[$"model.mm_projector.{2 * i}.bias", $"model.mm_projector.{2 * i}.weight"])],
        };
        string[] expectedHead = head switch
        {
            "linear" => ["vision_head.bias", "vision_head.weight"],
            "mlp" => ["vision_head.0.bias", "vision_head.0.weight", "vision_head.2.bias", "vision_head.2.weight"],
            _ => ["vision_head.0.bias", "vision_head.0.weight", "vision_head.2.bias", "vision_head.2.weight", "vision_head.4.bias", "vision_head.4.weight"],
        };
        string[] names = [.. model.state_dict().Keys.Order(StringComparer.Ordinal)];
        CollectionAssert.AreEqual(expectedProjector, names.Where(n => n.Contains("mm_projector", StringComparison.Ordinal)).ToArray());
        CollectionAssert.AreEqual(expectedHead, names.Where(n => n.StartsWith("vision_head", StringComparison.Ordinal)).ToArray());
        CollectionAssert.AreEqual(names, model.named_parameters().Select(p => p.name).Order(StringComparer.Ordinal).ToArray());
        using CausalLanguageModel language = TinyLanguageModels.Create("llama-3");
        CollectionAssert.IsSubsetOf(language.state_dict().Keys.ToArray(), names);
    }

    [TestMethod]
    [DynamicData(nameof(Connectors))]
    public void PredictionsAreUnitVectorsOfTheTokensWidth(string projector, string head)
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = Create(projector, head);
        Tensor predicted = model.PredictVisualTokens(randn(2, 3, 24));
        CollectionAssert.AreEqual((long[])[2, 3, model.Config.VisualTokenWidth], predicted.shape);
        TensorAssert.AreClose(ones(2, 3), predicted.norm(-1), 1e-5, "lengths");
        CollectionAssert.AreEqual((long[])[2, 3, 24], model.Project(predicted).shape);
        using MetaMorphModel plain = new(model.Config with { NormalizeVision = false }, new FreshParameters(CPU, new Generator(7)));
        Tensor hidden = randn(5, 24);
        TensorAssert.AreClose(plain.VisionHead.forward(hidden), plain.PredictVisualTokens(hidden), 0, "not normalised");
    }

    [TestMethod]
    public void SplicePutsImagesWhereTheyStand()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = Create("mlp2x_gelu", "mlp");
        const int I = MetaMorphModel.ImagePlaceholder;
        Tensor visual = randn(2, 4, 10);
        Tensor spliced = model.Splice([5, 59, I, I, I, I, 60, I, I, I, I, 7], visual);
        Tensor projected = model.Project(visual);
        Tensor Text(params long[] ids) => model.Language.Embed(tensor(ids));
        TensorAssert.AreClose(cat([Text(5, 59), projected[0], Text(60), projected[1], Text(7)], 0).unsqueeze(0), spliced, 0, "spliced");
        TensorAssert.AreClose(Text(1, 2).unsqueeze(0), model.Splice([1, 2], null), 0, "text alone");
        TensorAssert.AreClose(projected.view(1, 8, 24), model.Splice([I, I, I, I, I, I, I, I], visual), 0, "images alone");
        spliced.sum().backward();
        Assert.IsNotNull(model.Projector.Layers[0].Weight.grad);
        Assert.IsNotNull(model.Language.Model.Embedding.Weight.grad);
    }

    [TestMethod]
    public void WhatDoesNotFitIsRefusedWithBothNumbers()
    {
        using var scope = NewDisposeScope();
        using MetaMorphModel model = Create("mlp2x_gelu", "mlp");
        const int I = MetaMorphModel.ImagePlaceholder;
        string Error(int[] ids, Tensor? visual) => Assert.ThrowsExactly<ArgumentException>(() => model.Splice(ids, visual)).Message;
        StringAssert.Contains(Error([1, I, I, I, I], null), "4 image positions, the 0 images");
        StringAssert.Contains(Error([1, I, I, I], zeros(1, 4, 10)), "3 image positions, the 1 images have 4");
        StringAssert.Contains(Error([1], zeros(1, 4, 10)), "0 image positions");
        StringAssert.Contains(Error([1, I, I, I, I], zeros(1, 4, 11)), "[1, 4, 11]");
        StringAssert.Contains(Error([1, 61], null), "61");
        StringAssert.Contains(Error([1, -1], null), "-1");
        StringAssert.Contains(Error([], null), "at least one");
    }

    [TestMethod]
    public void NoTensorLiesOnAnotherDeviceThanChosen()
    {
        foreach (LanguageModelConfig language in TinyLanguageModels.Configs.Values)
        {
            using var meta = new MetaMorphModel(Config(language), new MetaParameters());
            Assert.IsTrue(meta.parameters().All(p => p.device.type == DeviceType.META));
            Assert.IsTrue(meta.buffers().All(b => b.device.type == DeviceType.META));
            using var cache = new KeyValueCache(language, 1, 4, META);
            for (int layer = 0; layer < cache.LayerCount; layer++) Assert.AreEqual((DeviceType.META, DeviceType.META), (cache.Keys(layer).device.type, cache.Values(layer).device.type));
            using var model = new MetaMorphModel(Config(language), new FreshParameters(CPU, new Generator(1)));
            Assert.IsTrue(model.parameters().All(p => p.device.type == DeviceType.CPU));
            RotaryTable table = new RotaryEmbedding(language).Table(4, META);
            Assert.AreEqual((DeviceType.META, DeviceType.META), (table.Cosine.device.type, table.SignedSine.device.type));
        }
    }

    /// <summary>The paper's model: Llama 3.1 8B with 64 tokens of SigLIP so400m.</summary>
    [TestMethod]
    public void ThePublishedSizeConstructsWithoutMemory()
    {
        var language = new LanguageModelConfig
        {
            VocabularySize = 128_258,
            HiddenSize = 4096,
            IntermediateSize = 14_336,
            LayerCount = 32,
            HeadCount = 32,
            KeyValueHeadCount = 8,
            HeadWidth = 128,
            RopeTheta = 500_000,
            RopeScaling = new RopeScaling(RopeScalingKind.Llama3, 8),
        };
        using var model = new MetaMorphModel(new MetaMorphConfig { Language = language, VisualTokenWidth = 1152, VisualTokenCount = 64, ImageStartId = 128_256, ImageEndId = 128_257 }, new MetaParameters());
        long connectors = (1152 + 1) * 4096L + (4096 + 1) * 4096L + (4096 + 1) * 4096L + (4096 + 1) * 1152L;
        Assert.AreEqual(8_030_261_248 + 2 * 2 * 4096 + connectors, model.parameters().Sum(p => p.numel()));
    }

    private static MetaMorphModel Create(string projector, string head)
        => new(Config(TinyLanguageModels.Configs["llama-3"], projector, head), new FreshParameters(CPU, new Generator(7)));
}
