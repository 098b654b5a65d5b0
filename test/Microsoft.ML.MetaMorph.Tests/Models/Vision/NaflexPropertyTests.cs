using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class NaflexPropertyTests
{
    private static readonly Siglip2VisionConfig Small = new() { PositionCount = 16, PatchSize = 2, HiddenSize = 24, IntermediateSize = 40, HiddenLayers = 2, AttentionHeads = 3 };

    [TestMethod]
    public void PaddedPicturesAreEachPictureAlone()
    {
        using var scope = NewDisposeScope();
        Siglip2VisionModel model = new(Small, Fresh());
        PatchGrid[] grids = [new(2, 3), new(1, 1), new(4, 2), new(8, 1)];
        Tensor patches = randn(4, 8, Small.PatchWidth);
        foreach (bool gradients in new[] { true, false })
        {
            using var mode = set_grad_enabled(gradients);
            Tensor hidden = model.LastHiddenState(patches, grids), pooled = model.Pooled(patches, grids);
            for (int i = 0; i < grids.Length; i++)
            {
                Tensor own = patches.narrow(0, i, 1).narrow(1, 0, grids[i].Count);
                AreClose(hidden[i].narrow(0, 0, grids[i].Count), model.LastHiddenState(own, [grids[i]])[0], $"hidden state {i}");
                AreClose(pooled[i], model.Pooled(own, [grids[i]])[0], $"pooled picture {i}");
            }
        }
    }

    [TestMethod]
    public void AGridOfTheTablesOwnSizeTakesTheTableAsItIs()
    {
        using var scope = NewDisposeScope();
        Siglip2VisionModel model = new(Small, Fresh());
        Tensor table = model.named_parameters().Single(p => p.name.EndsWith("position_embedding.weight", StringComparison.Ordinal)).parameter;
        AreClose(table.detach(), model.Positions([new PatchGrid(4, 4)], 16)[0].detach(), "positions");
    }

    [TestMethod]
    public void PicturesThatDoNotFitAreNamed()
    {
        using var scope = NewDisposeScope();
        Siglip2VisionModel model = new(Small, Fresh());
        Assert.AreEqual("Picture 0 has a grid of 3 x 2 patches, but the rows of this batch hold 4. (Parameter 'grids')", Assert.ThrowsExactly<ArgumentException>(() => model.Pooled(zeros(1, 4, 12), [new PatchGrid(3, 2)])).Message);
        Assert.AreEqual("Patches of the shape [1, 4, 13] were given; this encoder takes [pictures, patches, 12] (2 x 2 pixels, 3 channels). (Parameter 'patches')", Assert.ThrowsExactly<ArgumentException>(() => model.Pooled(zeros(1, 4, 13), [new PatchGrid(2, 2)])).Message);
        Assert.AreEqual("2 pictures but 1 grids were given. (Parameter 'grids')", Assert.ThrowsExactly<ArgumentException>(() => model.Pooled(zeros(2, 4, 12), [new PatchGrid(2, 2)])).Message);
    }

    /// <summary>A ramp down and a ramp across have the values at the middles of the tokens' places, whatever the grid.</summary>
    [TestMethod]
    [DataRow(6, 3)]
    [DataRow(3, 6)]
    [DataRow(8, 2)]
    [DataRow(4, 4)]
    public void AGridOfAnyShapeIsStretchedToASquare(int rows, int columns)
    {
        using var scope = NewDisposeScope();
        Tensor down = ((arange(rows) + 0.5) / rows).view(rows, 1).expand(rows, columns), across = ((arange(columns) + 0.5) / columns).view(1, columns).expand(rows, columns);
        Tensor features = stack([down, across], -1).view(1, rows * columns, 2);
        Tensor tokens = TokenReduction.Interpolate(features, new PatchGrid(rows, columns), 4);
        AreClose(tensor([0.25f, 0.25f, 0.25f, 0.75f, 0.75f, 0.25f, 0.75f, 0.75f]).view(1, 4, 2), tokens, "tokens");
        AreClose(tokens, TokenReduction.Reduce(TokenReductionKind.Interpolation, features, new PatchGrid(rows, columns), 4), "by kind");
        if (rows == columns) AreClose(TokenReduction.Interpolate(features, 4), tokens, "the square grid's own way");
        if (rows != columns || rows != 4) return;
        Tensor joined = TokenReduction.Reduce(TokenReductionKind.ConcatInterpolation, features, new PatchGrid(rows, columns), 4);
        AreClose(TokenReduction.ConcatInterpolate(features, 4), joined, "joined");
    }

    [TestMethod]
    public void WhatIsNoSuchGridIsNamed()
    {
        using var scope = NewDisposeScope();
        Assert.AreEqual("Features of the shape [1, 12, 2] were given; [pictures, 3 x 5 = 15 patches, width] is needed. (Parameter 'features')", Assert.ThrowsExactly<ArgumentException>(() => TokenReduction.Interpolate(zeros(1, 12, 2), new PatchGrid(3, 5), 4)).Message);
        Assert.AreEqual("6 tokens form no square grid; token reduction needs square numbers (1, 4, 16, 64, 256, …).", Assert.ThrowsExactly<ArgumentException>(() => TokenReduction.Interpolate(zeros(1, 15, 2), new PatchGrid(3, 5), 6)).Message);
        Assert.AreEqual("Pictures that keep their shape have unlike numbers of patches; without a token reduction they have no common number of tokens. (Parameter 'kind')", Assert.ThrowsExactly<ArgumentException>(() => TokenReduction.Reduce(TokenReductionKind.None, zeros(1, 15, 2), new PatchGrid(3, 5), 15)).Message);
    }

    private static FreshParameters Fresh() => new(CPU, new Generator(7, CPU));

    private static void AreClose(Tensor expected, Tensor actual, string what)
    {
        CollectionAssert.AreEqual(expected.shape, actual.shape, what);
        double difference = (expected - actual).abs().max().item<float>();
        Assert.IsTrue(difference <= 2e-5, $"{what}: differs by {difference:E2}");
    }
}
