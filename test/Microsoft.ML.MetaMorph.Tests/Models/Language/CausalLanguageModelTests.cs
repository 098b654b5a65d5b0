using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What holds for every kind of language model, whatever its weights.</summary>
[TestClass]
public sealed class CausalLanguageModelTests
{
    private const double Tolerance = 2e-5;

    public static IEnumerable<object[]> Names => TinyLanguageModels.Names;

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void CachedEqualsUncached(string name) => OnBothPaths(() =>
    {
        using var mode = no_grad();
        using CausalLanguageModel model = TinyLanguageModels.Create(name);
        Tensor embeddings = model.Embed(TinyLanguageModels.Ids(3, 21));
        Tensor whole = model.Hidden(embeddings, SequenceLayout.Causal);
        // As prompt and steps, in chunks that outgrow the cache, and position by position.
        foreach (int[] chunks in (int[][])[[20, 1], [7, 9, 1, 4], [.. Enumerable.Repeat(1, 21)], [21]])
        {
            using var cache = new KeyValueCache(model.Config, 3, 5, CPU);
            TensorAssert.AreClose(whole, InChunks(model, embeddings, SequenceLayout.Causal, cache, chunks), Tolerance, $"{name} in chunks {string.Join(",", chunks)}");
            Assert.AreEqual(21, cache.Length);
        }
    });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void RewoundAndContinuedEqualsWhole(string name)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = TinyLanguageModels.Create(name);
        Tensor embeddings = model.Embed(TinyLanguageModels.Ids(1, 16));
        using var cache = new KeyValueCache(model.Config, 1, 32, CPU);
        model.Hidden(embeddings, SequenceLayout.Causal, cache);
        cache.Rewind(6);
        Tensor again = model.Hidden(embeddings.narrow(1, 6, 10), SequenceLayout.Causal, cache);
        TensorAssert.AreClose(model.Hidden(embeddings, SequenceLayout.Causal).narrow(1, 6, 10), again, Tolerance, name);
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void LeftPaddedBatchEqualsAlone(string name) => OnBothPaths(() =>
    {
        using var mode = no_grad();
        using CausalLanguageModel model = TinyLanguageModels.Create(name);
        int[] lengths = [4, 13, 9], padding = [9, 0, 4];
        Tensor[] rows = [.. lengths.Select((length, i) => model.Embed(TinyLanguageModels.Ids(1, length + 3, i)))];
        Tensor[] alone = [.. rows.Select(row => model.Hidden(row, SequenceLayout.Causal)[0])];
        // The padding is large noise: nothing of it may leak.
        Tensor batch = randn(3, 13, model.Config.HiddenSize) * 1000;
        for (int i = 0; i < 3; i++) batch[i].narrow(0, padding[i], lengths[i]).copy_(rows[i][0].narrow(0, 0, lengths[i]));
        var layout = new LeftPaddedLayout(padding);
        Tensor uncached = model.Hidden(batch, layout);
        using var cache = new KeyValueCache(model.Config, 3, 40, CPU);
        Tensor cached = InChunks(model, batch, layout, cache, [5, 8]);
        for (int i = 0; i < 3; i++)
        {
            TensorAssert.AreClose(alone[i].narrow(0, 0, lengths[i]), uncached[i].narrow(0, padding[i], lengths[i]), Tolerance, $"{name} row {i}");
            TensorAssert.AreClose(alone[i].narrow(0, 0, lengths[i]), cached[i].narrow(0, padding[i], lengths[i]), Tolerance, $"{name} row {i} in chunks");
        }
        // The cache remembers the padding: the steps that follow may give it again or not.
        for (int step = 0; step < 3; step++)
        {
            Tensor next = cat([.. rows.Select((row, i) => row.narrow(1, lengths[i] + step, 1))], 0);
            Tensor hidden = model.Hidden(next, step == 1 ? layout : SequenceLayout.Causal, cache);
            for (int i = 0; i < 3; i++) TensorAssert.AreClose(alone[i].narrow(0, lengths[i] + step, 1), hidden[i], Tolerance, $"{name} row {i} step {step}");
        }
    });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void PackedEqualsSeparateWithGradients(string name) => OnBothPaths(() =>
    {
        using CausalLanguageModel model = TinyLanguageModels.Create(name);
        int[] lengths = [5, 17, 1, 6, 6, 12, 30, 2, 140];      // short and long rows go different ways
        Tensor[] rows = [.. lengths.Select((length, i) => TinyLanguageModels.Ids(1, length, i))];
        Tensor weights = randn(1, lengths.Sum(), model.Config.HiddenSize);
        Tensor separate = cat([.. rows.Select(row => model.Hidden(model.Embed(row), SequenceLayout.Causal))], 1);
        Dictionary<string, Tensor> expected = Gradients(model, separate, weights);
        Tensor packed = model.Hidden(model.Embed(cat(rows, 1)), new PackedLayout(lengths));
        TensorAssert.AreClose(separate, packed, Tolerance, $"{name} packed");
        foreach ((string parameter, Tensor gradient) in Gradients(model, packed, weights))
            TensorAssert.AreClose(expected[parameter], gradient, 2e-4 * Math.Max(1, expected[parameter].abs().max().item<float>()), $"{name}: gradient of {parameter}");
    });

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void LaterPositionsAreNeverSeen(string name)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = TinyLanguageModels.Create(name);
        Tensor embeddings = model.Embed(TinyLanguageModels.Ids(1, 12));
        Tensor changed = embeddings.clone();
        changed.narrow(1, 8, 4).fill_(100);
        TensorAssert.AreClose(model.Hidden(embeddings, SequenceLayout.Causal).narrow(1, 0, 8), model.Hidden(changed, SequenceLayout.Causal).narrow(1, 0, 8), 1e-6, name);
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void AForwardPassLeavesItsInputAndNoTensorBehind(string name)
    {
        using var mode = no_grad();
        using CausalLanguageModel model = TinyLanguageModels.Create(name);
        using Tensor ids = TinyLanguageModels.Ids(1, 9);
        using Tensor embeddings = model.Embed(ids), before = embeddings.clone();
        model.Hidden(embeddings, SequenceLayout.Causal).Dispose();     // the rotary table is made once
        long live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (model.Hidden(embeddings, SequenceLayout.Causal))
        using (model.Hidden(embeddings, new PackedLayout([4, 5])))
        {
        }
        using (var cache = new KeyValueCache(model.Config, 1, 4, CPU))
        using (model.Hidden(embeddings, new LeftPaddedLayout([3]), cache))
        {
        }
        Assert.AreEqual(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount, "tensors alive after the call");
        TensorAssert.AreClose(before, embeddings, 0, "input");
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void ParametersHaveThePublishedNamesAndNothingElseIsRegistered(string name)
    {
        using CausalLanguageModel model = TinyLanguageModels.Create(name);
        string[] names = [.. model.named_parameters().Select(p => p.name).Order(StringComparer.Ordinal)];
        CollectionAssert.AreEqual(names, model.state_dict().Keys.Order(StringComparer.Ordinal).ToArray());
        Assert.AreEqual(!model.Config.TieWordEmbeddings, names.Contains("lm_head.weight"));
        Assert.AreEqual(model.Config.QueryKeyNorm, names.Contains("model.layers.1.self_attn.q_norm.weight"));
        Assert.AreEqual(model.Config.QueryKeyValueBias, names.Contains("model.layers.1.self_attn.v_proj.bias"));
        Assert.AreEqual(0, model.named_buffers().Count());
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void NarrowWeightsAreWidenedOnTheWay(string name)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        using var first = new Generator(7);
        using var second = new Generator(7);
        using var narrow = new CausalLanguageModel(TinyLanguageModels.Configs[name], new FreshParameters(CPU, first, ScalarType.BFloat16));
        using var wide = new CausalLanguageModel(TinyLanguageModels.Configs[name], new FreshParameters(CPU, second));
        foreach ((string parameter, TorchSharp.Modules.Parameter value) in wide.named_parameters()) value.copy_(narrow.state_dict()[parameter]);
        Tensor ids = TinyLanguageModels.Ids(2, 7);
        Tensor expected = wide.Logits(wide.Hidden(wide.Embed(ids), SequenceLayout.Causal));
        Tensor actual = narrow.Logits(narrow.Hidden(narrow.Embed(ids), SequenceLayout.Causal));
        Assert.AreEqual(ScalarType.Float32, actual.dtype);
        TensorAssert.AreClose(expected, actual, 1e-5, name);
    }

    [TestMethod]
    [DynamicData(nameof(Names))]
    public void LinearLayersInBFloat16StayCloseAndTheStreamStaysFloat32(string name)
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = TinyLanguageModels.Create(name);
        Tensor ids = TinyLanguageModels.Ids(1, 20);
        var layout = new PackedLayout([12, 8]);
        Tensor Loss() => model.Logits(model.Hidden(model.Embed(ids), layout)).log_softmax(-1).select(-1, 5).mean();
        Tensor expected = Loss();
        PrecisionProbe.Apply(model, new PrecisionChoice(ScalarType.BFloat16, "test"));
        Assert.AreEqual(ScalarType.BFloat16, model.ComputeType);
        Tensor hidden = model.Hidden(model.Embed(ids), layout), actual = Loss();
        Assert.AreEqual((ScalarType.Float32, ScalarType.Float32), (hidden.dtype, actual.dtype));
        TensorAssert.AreClose(expected, actual, 0.05 * Math.Abs(expected.item<float>()), name);
        actual.backward();
        Assert.IsTrue(model.named_parameters().All(p => p.parameter.grad is { dtype: ScalarType.Float32 }), "float32 gradients of every parameter");
        using var mode = no_grad();
        TensorAssert.AreClose(expected, Loss(), 0.05 * Math.Abs(expected.item<float>()), $"{name} without gradients");
    }

    [TestMethod]
    public void WrongInputIsRefusedWithBothNumbers()
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = TinyLanguageModels.Create("llama-3");
        Tensor embeddings = zeros(2, 5, 24);
        Assert.AreEqual("The embeddings have the shape [2, 5, 23]; [batch, length, 24] is needed. (Parameter 'embeddings')", Assert.ThrowsExactly<ArgumentException>(() => model.Hidden(zeros(2, 5, 23), SequenceLayout.Causal)).Message);
        Assert.AreEqual("A pack is one row; the input has 2. (Parameter 'batch')", Assert.ThrowsExactly<ArgumentException>(() => model.Hidden(embeddings, new PackedLayout([5]))).Message);
        Assert.AreEqual("The rows of the pack have 4 positions, the input has 5. (Parameter 'layout')", Assert.ThrowsExactly<ArgumentException>(() => model.Hidden(zeros(1, 5, 24), new PackedLayout([2, 2]))).Message);
        Assert.AreEqual("Row 1 of the pack has 0 positions. (Parameter 'lengths')", Assert.ThrowsExactly<ArgumentException>(() => model.Hidden(zeros(1, 5, 24), new PackedLayout([5, 0]))).Message);
        Assert.AreEqual("The layout gives the padding of 1 rows, the input has 2. (Parameter 'layout')", Assert.ThrowsExactly<ArgumentException>(() => model.Hidden(embeddings, new LeftPaddedLayout([0]))).Message);
        Assert.AreEqual("Row 1 has 5 positions of padding among 5. (Parameter 'layout')", Assert.ThrowsExactly<ArgumentException>(() => model.Hidden(embeddings, new LeftPaddedLayout([0, 5]))).Message);
        using var cache = new KeyValueCache(model.Config, 1, 8, CPU);
        Assert.ThrowsExactly<InvalidOperationException>(() => model.Hidden(embeddings, SequenceLayout.Causal, cache));
        using var mode = no_grad();
        Assert.AreEqual("The cache has 1 rows, the input 2. (Parameter 'cache')", Assert.ThrowsExactly<ArgumentException>(() => model.Hidden(embeddings, SequenceLayout.Causal, cache)).Message);
    }

    private static Tensor InChunks(CausalLanguageModel model, Tensor embeddings, SequenceLayout layout, KeyValueCache cache, int[] chunks)
    {
        var parts = new List<Tensor>();
        int start = 0;
        foreach (int chunk in chunks)
        {
            parts.Add(model.Hidden(embeddings.narrow(1, start, chunk), layout, cache));
            start += chunk;
        }
        return cat(parts, 1);
    }

    private static Dictionary<string, Tensor> Gradients(CausalLanguageModel model, Tensor hidden, Tensor weights)
    {
        foreach (TorchSharp.Modules.Parameter parameter in model.parameters()) parameter.grad?.zero_();
        (hidden * weights).sum().backward();
        return model.named_parameters().Where(p => p.parameter.grad is not null).ToDictionary(p => p.name, p => p.parameter.grad!.clone());
    }

    private static void OnBothPaths(Action action)
    {
        foreach (bool enabled in (bool[])[true, false])
        {
            using var scope = NewDisposeScope();
            bool before = AtenDispatcher.IsEnabled;
            AtenDispatcher.IsEnabled = enabled;
            try
            {
                action();
            }
            finally
            {
                AtenDispatcher.IsEnabled = before;
            }
        }
    }
}
