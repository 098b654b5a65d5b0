using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class SiglipPropertyTests
{
    private const double Tolerance = 2e-5;

    private static readonly SiglipVisionConfig Small = new() { ImageSize = 45, PatchSize = 14, HiddenSize = 24, IntermediateSize = 40, HiddenLayers = 3, AttentionHeads = 3 };

    private static readonly SiglipTextConfig SmallText = new() { HiddenSize = 24, IntermediateSize = 40, HiddenLayers = 2, AttentionHeads = 3, VocabularySize = 50, MaxPositions = 9, ProjectionSize = 24 };

    [TestMethod]
    public void ABatchOfPicturesIsEachPictureAlone()
    {
        using var scope = NewDisposeScope();
        SiglipVisionModel model = new(Small, Fresh());
        Tensor pixels = randn(5, 3, 45, 45);
        foreach (bool gradients in new[] { true, false })
        {
            using var mode = set_grad_enabled(gradients);
            Tensor hidden = model.HiddenState(pixels), pooled = model.Pooled(pixels);
            for (int i = 0; i < 5; i++)
            {
                AreClose(hidden[i], model.HiddenState(pixels.narrow(0, i, 1))[0], $"hidden state of picture {i}");
                AreClose(pooled[i], model.Pooled(pixels.narrow(0, i, 1))[0], $"pooled picture {i}");
            }
        }
    }

    [TestMethod]
    public void ABatchOfTextsIsEachTextAlone()
    {
        using var scope = NewDisposeScope();
        SiglipTextModel model = new(SmallText, Fresh());
        Tensor ids = randint(0, 50, [4, 9], dtype: ScalarType.Int64), pooled = model.Pooled(ids);
        for (int i = 0; i < 4; i++) AreClose(pooled[i], model.Pooled(ids.narrow(0, i, 1))[0], $"text {i}");
    }

    [TestMethod]
    public void TheFastPathsGiveWhatThePlainOnesGive()
    {
        using var scope = NewDisposeScope();
        SiglipVisionModel model = new(Small with { HiddenSize = 144, IntermediateSize = 200, AttentionHeads = 2 }, Fresh());
        Tensor pixels = randn(2, 3, 45, 45), slow;
        using (no_grad())
        {
            bool enabled = AtenDispatcher.IsEnabled;
            try
            {
                AtenDispatcher.IsEnabled = false;
                slow = model.Pooled(pixels);
            }
            finally
            {
                AtenDispatcher.IsEnabled = enabled;
            }
            AreClose(slow, model.Pooled(pixels), "without the dispatcher and with it");
        }
        AreClose(slow, model.Pooled(pixels), "with gradients");
    }

    [TestMethod]
    public void OneDnnComputesTheSameProduct()
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        foreach ((long rows, long inputs, long outputs) in new[] { (16L, 128L, 128L), (17L, 72L, 300L), (729L, 144L, 129L), (40L, 1000L, 17L) })
        {
            Tensor input = randn(rows, inputs), weight = randn(outputs, inputs), bias = randn(outputs);
            Assert.AreEqual(OneDnnLinear.IsAvailable, OneDnnLinear.Serves(input, weight), "serves");
            if (!OneDnnLinear.IsAvailable) Assert.Inconclusive("this libtorch has no oneDNN interface");
            AreClose(nn.functional.linear(input, weight, bias), OneDnnLinear.Forward(input, weight, bias), $"{rows} x {inputs} x {outputs}", 1e-3);
            AreClose(nn.functional.linear(input.view(1, rows, inputs), weight), OneDnnLinear.Forward(input.view(1, rows, inputs), weight, null), "no bias", 1e-3);
        }
        Assert.IsFalse(OneDnnLinear.Serves(randn(100, 130), randn(200, 131)), "widths that do not meet");
        Assert.IsFalse(OneDnnLinear.Serves(randn(1, 200), randn(200, 200)), "one row");
        using var gradients = enable_grad();
        Assert.IsFalse(OneDnnLinear.Serves(randn(100, 200), randn(200, 200)), "with gradients");
    }

    [TestMethod]
    public void StoredInBFloat16AModelGivesNearlyTheSame()
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        SiglipVisionModel model = new(Small, Fresh()), low = new(Small, new FreshParameters(CPU, new Generator(7, CPU), ScalarType.BFloat16));
        Tensor pixels = randn(2, 3, 45, 45);
        Tensor expected = SiglipModel.Unit(model.HiddenState(pixels)), actual = SiglipModel.Unit(low.HiddenState(pixels));
        Assert.AreEqual(ScalarType.Float32, actual.dtype);
        Assert.IsTrue((expected * actual).sum(-1).min().item<float>() > 0.999f, "cosine");
    }

    [TestMethod]
    public void CallsLeaveNothingBehind()
    {
        SiglipVisionModel model = new(Small, Fresh());
        var encoder = new VisualTokenEncoder(model.Transformer, new VisualTokenSettings(4));
        using Tensor pixels = randn(1, 3, 45, 45);
        for (int i = 0; i < 3; i++) encoder.Encode(pixels).Dispose();
        long before = LiveTensors.OfThisThread;
        for (int i = 0; i < 25; i++)
        {
            encoder.Encode(pixels).Dispose();
            foreach (Tensor state in model.HiddenStates(pixels)) state.Dispose();
            model.Pooled(pixels).Dispose();
        }
        Assert.AreEqual(before, LiveTensors.OfThisThread, "live tensors");
    }

    [TestMethod]
    public void ConcatInterpolationJoinsTwoByTwoNeighbours()
    {
        using var scope = NewDisposeScope();
        Tensor features = randn(2, 49, 3), fine = TokenReduction.Interpolate(features, 36), joined = TokenReduction.ConcatInterpolate(features, 9);
        CollectionAssert.AreEqual(new long[] { 2, 9, 12 }, joined.shape);
        for (int row = 0; row < 3; row++)
        {
            for (int column = 0; column < 3; column++)
            {
                int corner = 2 * row * 6 + 2 * column;
                Tensor expected = cat([fine.select(1, corner), fine.select(1, corner + 1), fine.select(1, corner + 6), fine.select(1, corner + 7)], 1);
                AreClose(expected, joined.select(1, row * 3 + column), $"token {row}, {column}", 0);
            }
        }
    }

    [TestMethod]
    public void VisualTokensHaveLengthOne()
    {
        using var scope = NewDisposeScope();
        SiglipVisionModel model = new(Small, Fresh());
        foreach ((TokenReductionKind kind, int count, int width) in new[] { (TokenReductionKind.Interpolation, 4, 24), (TokenReductionKind.ConcatInterpolation, 1, 96), (TokenReductionKind.None, 9, 24) })
        {
            var encoder = new VisualTokenEncoder(model.Transformer, new VisualTokenSettings(count, kind));
            Tensor tokens = encoder.Encode(randn(2, 3, 45, 45));
            CollectionAssert.AreEqual(new long[] { 2, count, width }, tokens.shape, $"{kind}");
            Assert.AreEqual((count, width), (encoder.TokenCount, encoder.TokenWidth));
            Assert.IsTrue((tokens.norm(-1) - 1).abs().max().item<float>() < 1e-5f, $"{kind}: lengths");
            Assert.IsFalse(tokens.requires_grad);
        }
    }

    [TestMethod]
    public void EveryTensorLiesOnTheDeviceOfTheParameters()
    {
        var options = new LanguageImagePretrainingOptions { ContrastiveWeight = 1 };
        var tokens = new CaptionTokens(80, End: 1, Pad: 0);
        nn.Module[] models =
        [
            new SiglipModel(new SiglipConfig(new SiglipVisionConfig(), new()), new MetaParameters()),
            new SiglipModel(new SiglipConfig(new Siglip2VisionConfig(), new()), new MetaParameters()),
            new Siglip2VisionModel(new(), new MetaParameters()),
            new LanguageImageModel(LanguageImageModelConfig.Create(options, tokens), new MetaParameters()),
        ];
        foreach (nn.Module model in models)
        {
            Assert.IsFalse(model.named_buffers().Any(), $"{model.GetName()}: buffers");
            foreach ((string name, var parameter) in model.named_parameters()) Assert.AreEqual(TorchSharp.DeviceType.META, parameter.device_type, name);
            CollectionAssert.AreEquivalent(model.named_parameters().Select(p => p.name).ToArray(), model.state_dict().Keys.ToArray(), $"{model.GetName()}: stored names");
            model.Dispose();
        }
    }

    private static FreshParameters Fresh() => new(CPU, new Generator(7, CPU));

    private static void AreClose(Tensor expected, Tensor actual, string what, double tolerance = Tolerance)
    {
        CollectionAssert.AreEqual(expected.shape, actual.shape, what);
        double difference = (expected - actual).abs().max().item<float>();
        Assert.IsTrue(difference <= tolerance, $"{what}: differs by {difference:E2}");
    }
}
