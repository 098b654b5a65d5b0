using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>sampling</c>: what the logits processors leave of rows of logits, and the probabilities that follow.</summary>
internal static class SamplingCheck
{
    [ReferenceKind("sampling")]
    public static void Check(ReferenceCase reference)
    {
        if (reference.Json.TryGetProperty("order", out JsonElement order))
            CollectionAssert.AreEqual(
                new[] { "repetition_penalty", "no_repeat_ngram_size", "temperature", "top_k", "top_p", "min_p" },
                order.EnumerateArray().Select(o => o.GetString()).ToArray(), $"{reference.Name}: the order of the processors");
        int number = 0;
        foreach (JsonElement one in reference.Json.GetProperty("cases").EnumerateArray()) Compare(reference, number++, one);
        Assert.AreNotEqual(0, number, $"{reference.Name}: no cases");
    }

    private static void Compare(ReferenceCase reference, int number, JsonElement one)
    {
        GenerationOptions options = Options(one.GetProperty("parameters"));
        Tensor processed = reference[one.GetProperty("input").GetString()!].clone(), probabilities = zeros_like(processed);
        int[] kept = [.. one.GetProperty("kept").EnumerateArray().Select(k => k.GetInt32())];
        int width = (int)processed.shape[1];
        Assert.AreEqual(processed.shape[0], kept.Length, $"{reference.Name}: rows of kept tokens of case {number}: {one}");
        for (int row = 0; row < processed.shape[0]; row++)
        {
            Span<float> logits = TensorMemory.Span<float>(processed).Slice(row * width, width);
            int[] history = [.. reference["input_ids"][row].data<long>().ToArray().Select(id => (int)id)];
            LogitsProcessors.Apply(logits, history, options);
            Span<float> masses = TensorMemory.Span<float>(probabilities).Slice(row * width, width);
            float total = (float)Softmax.Exponentials(logits, masses);
            foreach (ref float mass in masses) mass /= total;
            Assert.AreEqual(kept[row], logits.ToArray().Count(l => !float.IsNegativeInfinity(l)), $"{reference.Name}: kept tokens of case {number}, row {row}: {one}");
        }
        // A token that is removed has the logit minus infinity on both sides.
        reference.AreClose(reference[$"{number}.processed"], processed, reference.Tolerance, $"{number}.processed", minusInfinity: true);
        reference.AreClose(reference[$"{number}.probabilities"], probabilities, reference.Tolerance, $"{number}.probabilities");
    }

    private static GenerationOptions Options(JsonElement parameters)
    {
        var options = new GenerationOptions { Temperature = 1 };
        foreach (JsonProperty parameter in parameters.EnumerateObject())
        {
            switch (parameter.Name)
            {
                case "temperature": options.Temperature = parameter.Value.GetSingle(); break;
                case "top_k": options.TopK = parameter.Value.GetInt32(); break;
                case "top_p": options.TopP = parameter.Value.GetSingle(); break;
                case "min_p": options.MinP = parameter.Value.GetSingle(); break;
                case "repetition_penalty": options.RepetitionPenalty = parameter.Value.GetSingle(); break;
                case "no_repeat_ngram_size": options.NoRepeatNGramSize = parameter.Value.GetInt32(); break;
                default: Assert.Fail($"unknown parameter {parameter.Name}"); break;
            }
        }
        return options;
    }
}
