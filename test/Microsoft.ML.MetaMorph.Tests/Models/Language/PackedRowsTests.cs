using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class PackedRowsTests
{
    [TestMethod]
    public void WhatIsGatheredIsPutBack()
    {
        var random = new Random(5);
        for (int round = 0; round < 50; round++)
        {
            using var scope = NewDisposeScope();
            int[] lengths = [.. Enumerable.Range(0, random.Next(1, 30)).Select(_ => random.Next(1, 1 + random.Next(1, 60)))];
            PackedRows packed = PackedRows.Create(lengths);
            Tensor values = arange(1, lengths.Sum() + 1, dtype: ScalarType.Float32).view(-1, 1, 1).expand(-1, 2, 3).contiguous().requires_grad_();
            Tensor[] spread = packed.Spread(values);
            for (int g = 0; g < spread.Length; g++) CollectionAssert.AreEqual((long[])[packed.Groups[g].Rows.Length, packed.Groups[g].Longest, 2, 3], spread[g].shape);
            Tensor gathered = packed.Gather([.. spread.Select(s => s.reshape(s.shape[0], s.shape[1], 6))]);
            TensorAssert.AreClose(values.view(-1, 6), gathered, 0, string.Join(",", lengths));
            gathered.sum().backward();
            TensorAssert.AreClose(ones_like(values), values.grad!, 0, "gradient");
            CollectionAssert.AreEquivalent(Enumerable.Range(0, lengths.Length).ToArray(), packed.Groups.SelectMany(g => g.Rows).ToArray());
            Assert.IsTrue(spread.Sum(s => s.shape[0] * s.shape[1]) <= lengths.Sum() / 0.9 + 1, $"padding for {lengths.Sum()}");
        }
    }

    [TestMethod]
    public void EqualRowsAreNotMoved()
    {
        using var scope = NewDisposeScope();
        Tensor values = randn(21, 2, 4);
        Tensor spread = PackedRows.Create([7, 7, 7]).Spread(values).Single();
        Assert.AreEqual(TensorMemory.Address(values), TensorMemory.Address(spread));
    }

    [TestMethod]
    public void AnEmptyRowIsRefused() => Assert.AreEqual("Row 1 of the pack has 0 positions. (Parameter 'lengths')", Assert.ThrowsExactly<ArgumentException>(() => PackedRows.Create([3, 0])).Message);
}
