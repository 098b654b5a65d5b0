using TorchSharp;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class VisualizerArchitectureTests
{
    [TestMethod]
    [DataRow(9, 64, 4, 6, DisplayName = "3 tokens of a side for 16 places")]
    [DataRow(16, 64, 4, 4, DisplayName = "4 tokens of a side for 16 places")]
    [DataRow(64, 32, 4, 1, DisplayName = "as many tokens as places")]
    [DataRow(256, 32, 4, 1, DisplayName = "more tokens than places")]
    public void TokensAreSpreadOutToThePlacesOfTheInput(int tokens, int imageSize, int pixels, int scale)
    {
        VisualizerConfig config = new VisualizerArchitecture { ImageSize = imageSize, PixelsPerSample = pixels }.ToConfig(tokens, tokenWidth: 24);
        config.Validate();
        Assert.AreEqual(scale, config.Adapter.GridScale);
        Assert.AreEqual(3, new VisualizerArchitecture { GridScale = 3 }.ToConfig(tokens, 24).Adapter.GridScale);
    }

    [TestMethod]
    public void WithoutHeadsThereIsNoAttentionAndEveryParameterLearnsFromTheGrid()
    {
        using var scope = torch.NewDisposeScope();
        var architecture = new VisualizerArchitecture { ImageSize = 16, Channels = [16, 24], GridChannels = 4, ConditionWidth = 8 };
        using var model = new VisualizerModel(architecture.ToConfig(4, 12), TinyDiffusion.Fresh(3));
        Assert.IsFalse(model.named_parameters().Any(p => p.name.Contains("attn", StringComparison.Ordinal)), "attention");
        Assert.IsFalse(model.named_parameters().Any(p => p.name.Contains("mid_block", StringComparison.Ordinal)), "a middle block");
        torch.Tensor prediction = model.Predict(torch.randn(2, 48, 4, 4), torch.tensor(new[] { 10f, 900f }), model.Condition(torch.randn(2, 4, 12)));
        prediction.square().sum().backward();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
            Assert.IsTrue(parameter.grad is { } gradient && gradient.abs().sum().item<float>() > 0, $"{name} has no gradient");
    }

    [TestMethod]
    public void WhatTheNetworkSaysIsWrittenWithIt()
    {
        foreach (DiffusionPrediction prediction in Enum.GetValues<DiffusionPrediction>())
            Assert.AreEqual(prediction, new VisualizerArchitecture { Prediction = prediction }.ToConfig(9, 8).Scheduler!.Prediction);
    }

    public static IEnumerable<object[]> Refused()
    {
        yield return [new VisualizerArchitecture { HeadCount = 0, GridChannels = 0 }, "HeadCount must be above 0, or 0 where GridChannels is above 0: without both, the network is not told the tokens."];
        yield return [new VisualizerArchitecture { HeadCount = -1 }, "HeadCount must be above 0, or 0 where GridChannels is above 0: without both, the network is not told the tokens."];
        yield return [new VisualizerArchitecture { GridScale = 0 }, "GridScale must be at least 1."];
        yield return [new VisualizerArchitecture { Channels = [20] }, "Channels must be a multiple of 8."];
        yield return [new VisualizerArchitecture { Channels = [16], HeadCount = 3 }, "Channels must be a multiple of HeadCount (3) and of 8."];
        yield return [new VisualizerArchitecture { Prediction = (DiffusionPrediction)7 }, "Prediction must be one of Epsilon, Velocity, Sample."];
        yield return [new VisualizerArchitecture { ImageSize = 63 }, "PixelsPerSample must be a divisor of ImageSize (63)."];
    }

    [TestMethod]
    [DynamicData(nameof(Refused))]
    public void OptionsThatDoNotFitAreNamed(VisualizerArchitecture architecture, string message)
        => StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => architecture.ToConfig(9, 8)).Message, message);
}
