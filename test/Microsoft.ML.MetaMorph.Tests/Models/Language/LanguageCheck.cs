using System.Text.Json;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>language</c>: hidden states, logits and a greedy continuation, without a cache, with one, with the prompt in chunks, and by every engine of generation.</summary>
internal static partial class LanguageCheck
{
    [ReferenceKind("language")]
    public static void Check(ReferenceCase reference)
    {
        using var mode = no_grad();
        LanguageModelConfig config = LanguageModelConfig.FromJson(JsonDocument.Parse(File.ReadAllText(reference.Path("config.json"))).RootElement);
        using var model = new CausalLanguageModel(config, new PlainParameters(reference.Path("model.safetensors")));
        foreach (string name in (string[])["logits", "final_hidden", .. reference.Beginning("layer")])
            reference.AreClose(reference[name], Compute(model, reference["input_ids"], name), reference.Tolerance, name);
        foreach (Continuation continuation in (Continuation[])[Uncached, Cached, Chunked])
        {
            long[] expected = reference["greedy_ids"].data<long>().ToArray();
            long[] prompt = reference["greedy_prompt"].data<long>().ToArray();
            // The published ids may or may not repeat the prompt.
            bool repeats = expected.Length > prompt.Length && expected.AsSpan(0, prompt.Length).SequenceEqual(prompt);
            long[] actual = continuation(model, prompt, repeats ? expected.Length - prompt.Length : expected.Length);
            CollectionAssert.AreEqual(expected, repeats ? [.. prompt, .. actual] : actual, $"{reference.Name}: {continuation.Method.Name}");
        }
        VectorizedDecoderTests.CheckGreedy(reference);
    }

    private delegate long[] Continuation(CausalLanguageModel model, long[] prompt, int count);

    private static Tensor Compute(CausalLanguageModel model, Tensor ids, string name)
    {
        Tensor embeddings = model.Embed(ids);
        if (name == "logits") return model.Logits(model.Hidden(embeddings, SequenceLayout.Causal));
        if (name == "final_hidden") return model.Hidden(embeddings, SequenceLayout.Causal);
        Match layer = LayerName().Match(name);
        Assert.IsTrue(layer.Success, $"no figure is known under the name {name}");
        return model.Model.States(embeddings, SequenceLayout.Causal)[int.Parse(layer.Groups[1].Value)];
    }

    private static long[] Uncached(CausalLanguageModel model, long[] prompt, int count)
    {
        var ids = new List<long>(prompt);
        for (int i = 0; i < count; i++) ids.Add(Next(model, model.Hidden(Embed(model, [.. ids]), SequenceLayout.Causal)));
        return [.. ids.Skip(prompt.Length)];
    }

    private static long[] Cached(CausalLanguageModel model, long[] prompt, int count) => Continue(model, [prompt], count, prompt.Length + count);

    // Starts too small, so that the cache grows on the way.
    private static long[] Chunked(CausalLanguageModel model, long[] prompt, int count) => Continue(model, prompt.Chunk(5), count, capacity: 3);

    private static long[] Continue(CausalLanguageModel model, IEnumerable<long[]> chunks, int count, int capacity)
    {
        using var cache = new KeyValueCache(model.Config, 1, capacity, CPU);
        long next = 0;
        foreach (long[] chunk in chunks) next = Next(model, model.Hidden(Embed(model, chunk), SequenceLayout.Causal, cache));
        var ids = new List<long>();
        while (true)
        {
            ids.Add(next);
            if (ids.Count == count) return [.. ids];
            next = Next(model, model.Hidden(Embed(model, [next]), SequenceLayout.Causal, cache));
        }
    }

    private static Tensor Embed(CausalLanguageModel model, long[] ids) => model.Embed(tensor(ids).unsqueeze(0));

    private static long Next(CausalLanguageModel model, Tensor hidden) => model.Logits(hidden.narrow(1, hidden.shape[1] - 1, 1)).argmax().item<long>();

    [GeneratedRegex("^layer([0-9]+)_hidden$")]
    private static partial Regex LayerName();
}
