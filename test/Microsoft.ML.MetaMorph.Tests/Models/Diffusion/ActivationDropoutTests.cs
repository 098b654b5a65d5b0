using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ActivationDropoutTests
{
    private static readonly DropoutDraws Step = new(Seed: 3, Step: 17);

    [TestMethod]
    public void TheShareIsDroppedAndTheMeanStays()
    {
        using var scope = NewDisposeScope();
        var dropout = new ActivationDropout(0.25) { Drawn = Step };
        Tensor dropped = dropout.Apply(ones(4, 8, 40, 40) * 2f, 0);
        float[] values = dropped.data<float>().ToArray();
        Assert.IsTrue(values.All(value => value == 0 || MathF.Abs(value - 2f / 0.75f) < 1e-6f));
        // 51,200 draws: five deviations of the share are 0.0096.
        Assert.AreEqual(0.25, values.Count(value => value == 0) / (double)values.Length, 0.0096);
    }

    [TestMethod]
    public void NothingIsDroppedWhereNothingIsDrawnFor()
    {
        using Tensor hidden = ones(2, 3);
        Assert.AreSame(hidden, new ActivationDropout(0.5).Apply(hidden, 0));
    }

    /// <summary>Seed, step, row and place decide, and nothing else does.</summary>
    [TestMethod]
    public void ARowDropsTheSameAloneAndAgain()
    {
        using var scope = NewDisposeScope();
        var dropout = new ActivationDropout(0.5) { Drawn = Step };
        Tensor hidden = ones(3, 4, 6, 5), first = dropout.Apply(hidden, 2);
        TensorAssert.AreIdentical(first, dropout.Apply(hidden, 2), "again");
        Assert.IsFalse(Same(first[0], first[1]), "rows");
        Assert.IsFalse(Same(first, dropout.Apply(hidden, 3)), "places");
        dropout.Drawn = Step with { FirstRow = 1 };
        TensorAssert.AreIdentical(first.narrow(0, 1, 2), dropout.Apply(hidden.narrow(0, 1, 2), 2), "the last two rows");
        foreach (DropoutDraws other in new[] { Step with { Seed = 4 }, Step with { Step = 18 } })
        {
            dropout.Drawn = other;
            Assert.IsFalse(Same(first, dropout.Apply(hidden, 2)), other.ToString());
        }
    }

    /// <summary>diffusers' place: after the second activation, before the second convolution.</summary>
    [TestMethod]
    public void AResidualBlockDropsBeforeItsSecondConvolution()
    {
        using var scope = NewDisposeScope();
        var dropout = new ActivationDropout(0.4);
        using var block = new ResnetBlock2D(new ResnetSettings(null, 2, 1e-5, "silu", Dropout: dropout), 4, 4, TinyDiffusion.Fresh());
        Tensor input = randn(2, 4, 5, 5), plain = block.Forward(input);
        Tensor inner = nn.functional.silu(block.SecondNorm.forward(block.FirstConvolution.forward(nn.functional.silu(block.FirstNorm.forward(input)))));
        TensorAssert.AreClose(input + block.SecondConvolution.forward(inner), plain, 1e-5, "drawing");
        dropout.Drawn = Step;
        TensorAssert.AreClose(input + block.SecondConvolution.forward(dropout.Apply(inner, 0)), block.Forward(input), 1e-5, "learning");
        Assert.IsGreaterThan(0.01f, (block.Forward(input) - plain).abs().max().item<float>());
    }

    [TestMethod]
    public void EveryResidualBlockOfAUNetHasAPlaceOfItsOwn()
    {
        using var scope = NewDisposeScope();
        using var unet = new UNet2DConditionModel(TinyDiffusion.UNet with { Dropout = 0.1 }, TinyDiffusion.Fresh());
        int blocks = unet.Steps.Count(step => step.Resnet is not null);
        Assert.AreEqual((ulong)blocks, unet.Dropout!.NewPlace());
        using var without = new UNet2DConditionModel(TinyDiffusion.UNet, TinyDiffusion.Fresh());
        Assert.IsNull(without.Dropout);
        foreach (double dropout in new[] { -0.1, 1, double.NaN })
            StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => (TinyDiffusion.UNet with { Dropout = dropout }).Validate()).Message, "it must be from 0 to below 1");
    }

    private static bool Same(Tensor left, Tensor right) => (left - right).abs().max().item<float>() == 0;
}
