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
            PackedRows packed = PackedRows.Create(lengths, CPU);
            Tensor values = arange(lengths.Sum()).view(-1, 1);
            Tensor[] gathered = [.. packed.Groups.Select(g => g.Gather is null ? values : values.index_select(0, g.Gather))];
            Assert.IsTrue(packed.Groups.Zip(gathered).All(pair => pair.Second.shape[0] == pair.First.Rows * pair.First.Longest));
            Tensor joined = cat(gathered, 0);
            TensorAssert.AreClose(values, packed.Restore is null ? joined : joined.index_select(0, packed.Restore), 0, string.Join(",", lengths));
            Assert.IsTrue(joined.shape[0] <= lengths.Sum() / 0.75 + 1, $"padding: {joined.shape[0]} for {lengths.Sum()}");
        }
    }

    [TestMethod]
    public void EqualRowsAreNotMoved()
    {
        PackedRows packed = PackedRows.Create([7, 7, 7], CPU);
        Assert.IsNull(packed.Restore);
        Assert.IsNull(packed.Groups.Single().Gather);
    }
}
