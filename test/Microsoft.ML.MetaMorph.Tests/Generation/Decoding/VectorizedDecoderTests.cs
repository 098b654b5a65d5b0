using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The vectorized engine beside TorchSharp on every language model among the reference cases, in both ways of computing products.</summary>
[TestClass]
public sealed class VectorizedDecoderTests
{
    private const int Steps = 40;

    public static IEnumerable<object[]> Cases() => ReferenceCase.Own("language").Select(c => new object[] { c.Name });

    /// <summary>Every engine gives the greedy continuation of the case.</summary>
    internal static void CheckGreedy(ReferenceCase reference)
    {
        using CausalLanguageModel model = Load(reference);
        int[] prompt = Ids(reference["greedy_prompt"]), expected = Ids(reference["greedy_ids"]);
        if (expected.AsSpan(0, Math.Min(prompt.Length, expected.Length)).SequenceEqual(prompt) && expected.Length > prompt.Length) expected = expected[prompt.Length..];
        foreach (ResponseDecoder decoder in Decoders(model))
        {
            using var generator = new ResponseGenerator(model, null, decoder, new GenerationOptions { MaxNewTokens = expected.Length, PrefillChunk = 5 }, endIds: []);
            CollectionAssert.AreEqual(expected, generator.Generate(new GenerationRequest(prompt, [])).TokenIds, $"{reference.Name}: {decoder.Name}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void LogitsEqualTorch(string name)
    {
        var reference = ReferenceCase.OwnCase(name);
        foreach (ScalarType type in (ScalarType[])[ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16])
        {
            using CausalLanguageModel model = Load(reference, type);
            int[] ids = Ids(reference["input_ids"][0]);
            float[][] expected = Logits(new TorchDecoder(model, null), ids);
            double scale = expected.SelectMany(l => l).Max(Math.Abs);
            foreach (MatrixKernels kernels in MatrixKernelsTests.All())
            {
                float[][] actual = Logits(new VectorizedDecoder(model, null, threads: 2, kernels: kernels), ids);
                for (int step = 0; step < expected.Length; step++)
                    for (int i = 0; i < expected[step].Length; i++) Assert.AreEqual(expected[step][i], actual[step][i], reference.Tolerance * Math.Max(1, scale), $"{name}, {type}, {kernels.Name}: step {step}, logit {i}");
            }
        }
    }

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void ARowIsTheSameToTheBitAloneAndInABatch(string name)
    {
        var reference = ReferenceCase.OwnCase(name);
        using CausalLanguageModel model = Load(reference);
        int[] ids = Ids(reference["input_ids"][0]);
        int[][] prompts = [ids[..7], ids[3..20], ids[40..41]];
        using var decoder = new VectorizedDecoder(model, null, threads: 2);
        using DecodingBatch together = decoder.Start([.. prompts.Select(p => new DecodingPrompt(p, [], 10, false))], 512, default);
        for (int step = 0; step < 8; step++)
        {
            // the middle row pauses: rows are independent
            DecodingRow[] live = [.. together.Rows.Where(r => r.Index != 1 || step % 2 == 0)];
            foreach (DecodingRow row in live) row.InputId = ids[60 + step];
            together.Step(live);
        }
        for (int row = 0; row < prompts.Length; row++)
        {
            using DecodingBatch alone = decoder.Start([new DecodingPrompt(prompts[row], [], 10, false)], 512, default);
            for (int step = 0; step < 8; step++)
            {
                if (row == 1 && step % 2 != 0) continue;
                alone.Rows[0].InputId = ids[60 + step];
                alone.Step(alone.Rows);
            }
            CollectionAssert.AreEqual(together.Rows[row].Logits, alone.Rows[0].Logits, $"{name}: row {row}");
        }
    }

    [TestMethod]
    public void MemoryStaysFlatOverAThousandTokens()
    {
        LanguageModelConfig config = new() { VocabularySize = 300, HiddenSize = 64, IntermediateSize = 96, LayerCount = 2, HeadCount = 4, KeyValueHeadCount = 2, HeadWidth = 16 };
        using var model = new CausalLanguageModel(config, new FreshParameters(CPU, new Generator(1)));
        using var decoder = new VectorizedDecoder(model, null, threads: 2);
        using DecodingBatch batch = decoder.Start([new DecodingPrompt([1, 2, 3], [], 4000, false)], 512, default);
        Step(300);
        long tensors = TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount, bytes = GC.GetAllocatedBytesForCurrentThread();
        Step(500);
        Assert.IsTrue(GC.GetAllocatedBytesForCurrentThread() - bytes < 500 * 200, $"{(GC.GetAllocatedBytesForCurrentThread() - bytes) / 500.0} managed bytes a token");
        Step(1000);                                                       // past the room at first: the cache grows
        Assert.AreEqual(tensors, TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount, "tensors alive");

        void Step(int count)
        {
            for (int i = 0; i < count; i++)
            {
                batch.Rows[0].InputId = TokenSampler.Largest(batch.Rows[0].Logits);
                batch.Step(batch.Rows);
            }
        }
    }

    [TestMethod]
    public void AGrownCacheGivesTheSameLogits()
    {
        LanguageModelConfig config = new() { VocabularySize = 50, HiddenSize = 32, IntermediateSize = 48, LayerCount = 2, HeadCount = 4, KeyValueHeadCount = 2, HeadWidth = 8 };
        using var model = new CausalLanguageModel(config, new FreshParameters(CPU, new Generator(2)));
        int[] ids = [.. Enumerable.Range(0, 1100).Select(i => i * 7 % 50)];
        using var decoder = new VectorizedDecoder(model, null);
        using DecodingBatch batch = decoder.Start([new DecodingPrompt(ids[..3], [], 5000, false)], 512, default);
        foreach (int id in ids[3..])
        {
            batch.Rows[0].InputId = id;
            batch.Step(batch.Rows);
        }
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor hidden = model.Hidden(model.Embed(tensor(ids.Select(i => (long)i).ToArray()).unsqueeze(0)), SequenceLayout.Causal);
        float[] expected = model.Logits(hidden[0, -1]).data<float>().ToArray();
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], batch.Rows[0].Logits[i], 1e-4);
    }

    [TestMethod]
    public void WhatTheEngineCannotReadIsRefusedWithTheReason()
    {
        LanguageModelConfig config = new() { VocabularySize = 50, HiddenSize = 32, IntermediateSize = 48, LayerCount = 1, HeadCount = 4, KeyValueHeadCount = 2, HeadWidth = 8 };
        using var model = new CausalLanguageModel(config, new FreshParameters(CPU, new Generator(2), ScalarType.Float64));
        var log = new List<string>();
        using (ResponseDecoder chosen = DecoderSelection.Create(model, null, new GenerationOptions(), log.Add)) Assert.IsInstanceOfType<TorchDecoder>(chosen);
        StringAssert.Contains(log.Single(), "Float64");
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(() => DecoderSelection.Create(model, null, new GenerationOptions { Engine = DecodingEngine.Vectorized })).Message, "Float64");
    }

    [TestMethod]
    public void BFloat16CopiesDecodeCloseToTheWeights()
    {
        LanguageModelConfig config = new() { VocabularySize = 50, HiddenSize = 32, IntermediateSize = 48, LayerCount = 2, HeadCount = 4, KeyValueHeadCount = 2, HeadWidth = 8 };
        using var model = new CausalLanguageModel(config, new FreshParameters(CPU, new Generator(2)));
        float[][] exact = Logits(new VectorizedDecoder(model, null), [.. Enumerable.Range(0, 50)]), copied = Logits(new VectorizedDecoder(model, null, bfloat16: true), [.. Enumerable.Range(0, 50)]);
        double worst = exact.Zip(copied).Max(pair => pair.First.Zip(pair.Second).Max(p => Math.Abs(p.First - p.Second))), scale = exact.SelectMany(l => l).Max(Math.Abs);
        Assert.IsTrue(worst > 0 && worst < 0.05 * scale, $"{worst} beside {scale}");
    }

    internal static IEnumerable<ResponseDecoder> Decoders(CausalLanguageModel language, MetaMorphModel? visual = null)
    {
        yield return new TorchDecoder(language, visual);
        foreach (MatrixKernels kernels in MatrixKernelsTests.All())
            foreach (int threads in (int[])[1, 3])
                yield return new VectorizedDecoder(language, visual, threads, kernels: kernels);
    }

    private static CausalLanguageModel Load(ReferenceCase reference, ScalarType type = ScalarType.Float32)
    {
        LanguageModelConfig config = LanguageModelConfig.FromJson(JsonDocument.Parse(File.ReadAllText(reference.Path("config.json"))).RootElement);
        var parameters = new PlainParameters(reference.Path("model.safetensors"));
        return new CausalLanguageModel(config, type == ScalarType.Float32 ? parameters : new ConvertedParameters(parameters, type));
    }

    /// <summary>The logits after a prompt of half the ids, and after each of the other half.</summary>
    private static float[][] Logits(ResponseDecoder decoder, int[] ids)
    {
        using (decoder)
        {
            int half = ids.Length / 2;
            using DecodingBatch batch = decoder.Start([new DecodingPrompt(ids[..half], [], ids.Length, false)], 512, default);
            var logits = new List<float[]> { batch.Rows[0].Logits.ToArray() };
            foreach (int id in ids[half..Math.Min(ids.Length, half + Steps)])
            {
                batch.Rows[0].InputId = id;
                batch.Step(batch.Rows);
                logits.Add(batch.Rows[0].Logits.ToArray());
            }
            return [.. logits];
        }
    }

    private static int[] Ids(Tensor ids) => [.. ids.flatten().data<long>().ToArray().Select(id => (int)id)];

    private sealed class ConvertedParameters(ParameterSource inner, ScalarType type) : ParameterSource
    {
        public override Device Device => inner.Device;

        public override bool Has(string name) => inner.Has(name);

        public override TorchSharp.Modules.Parameter Get(string name, long[] shape, Initialization initialization)
        {
            using var mode = no_grad();
            return new(inner.Get(name, shape, initialization).to(type).DetachFromDisposeScope(), requires_grad: false);
        }
    }
}
