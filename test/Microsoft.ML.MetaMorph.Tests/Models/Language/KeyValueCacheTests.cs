using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class KeyValueCacheTests
{
    private static readonly LanguageModelConfig Config = TinyLanguageModels.Configs["llama-3"];

    [TestMethod]
    public void WhatIsAppendedIsThereAfterGrowthAndTrimming()
    {
        using var scope = NewDisposeScope();
        using var cache = new KeyValueCache(Config, 2, 3, CPU);
        Tensor keys = randn(2, 7, 2, 8), values = randn(2, 7, 2, 8);
        Fill(cache, keys.narrow(1, 0, 3), values.narrow(1, 0, 3));
        Assert.AreEqual((3, 3), (cache.Length, cache.Capacity));
        cache.Reserve(4);
        Assert.AreEqual(6, cache.Capacity, "doubles");
        cache.Reserve(100);
        Assert.AreEqual(100, cache.Capacity, "or takes what is needed");
        Fill(cache, keys.narrow(1, 3, 4), values.narrow(1, 3, 4));
        cache.Trim();
        Assert.AreEqual((7, 7), (cache.Length, cache.Capacity));
        Assert.AreEqual(2L * 2 * 2 * 2 * 7 * 8 * 4, cache.Bytes, "layers x (keys, values) x rows x heads x positions x width x 4");
        TensorAssert.AreClose(keys.transpose(1, 2), cache.Keys(1), 0, "keys");
        TensorAssert.AreClose(values.transpose(1, 2), cache.Values(1), 0, "values");
    }

    [TestMethod]
    public void RowsAreKeptInTheOrderAskedFor()
    {
        using var scope = NewDisposeScope();
        using var cache = new KeyValueCache(Config, 3, 2, CPU) { Padding = [1, 0, 0] };
        Tensor keys = randn(3, 2, 2, 8);
        Fill(cache, keys, keys);
        cache.KeepRows([2, 0, 0]);
        TensorAssert.AreClose(keys.index_select(0, tensor((long[])[2, 0, 0])).transpose(1, 2), cache.Keys(0), 0, "keys");
        CollectionAssert.AreEqual((int[])[0, 1, 1], cache.Padding);
        cache.KeepRows([1]);
        Assert.AreEqual(1, cache.Batch);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cache.KeepRows([1]));
    }

    [TestMethod]
    public void NarrowCacheIsCloseToAWideOne()
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = TinyLanguageModels.Create("llama-3");
        Tensor embeddings = model.Embed(TinyLanguageModels.Ids(1, 12));
        using var cache = new KeyValueCache(model.Config, 1, 12, CPU, ScalarType.BFloat16);
        Tensor hidden = cat([model.Hidden(embeddings.narrow(1, 0, 8), SequenceLayout.Causal, cache), model.Hidden(embeddings.narrow(1, 8, 4), SequenceLayout.Causal, cache)], 1);
        TensorAssert.AreClose(model.Hidden(embeddings, SequenceLayout.Causal), hidden, 0.1, "hidden states");
        Assert.AreEqual(ScalarType.BFloat16, cache.Keys(0).dtype);
    }

    [TestMethod]
    public void MisuseIsRefused()
    {
        using var scope = NewDisposeScope();
        var cache = new KeyValueCache(Config, 1, 2, CPU);
        Assert.ThrowsExactly<InvalidOperationException>(() => cache.Append(0, zeros(1, 3, 2, 8), zeros(1, 3, 2, 8)));
        Assert.ThrowsExactly<ArgumentException>(() => cache.Append(0, zeros(2, 1, 2, 8), zeros(2, 1, 2, 8)));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cache.Rewind(1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => cache.Advance(3));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new KeyValueCache(Config, 0, 2, CPU));
        cache.Dispose();
        cache.Dispose();
        Assert.ThrowsExactly<ObjectDisposedException>(() => cache.Reserve(9));
    }

    private static void Fill(KeyValueCache cache, Tensor keys, Tensor values)
    {
        for (int layer = 0; layer < cache.LayerCount; layer++) cache.Append(layer, keys, values);
        cache.Advance((int)keys.shape[1]);
    }
}
