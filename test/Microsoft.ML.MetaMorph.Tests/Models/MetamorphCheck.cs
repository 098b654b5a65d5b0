using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>metamorph</c>: rows of text and images through projector, language model and vision head.</summary>
/// <remarks>The parts: logits here, losses with gradients and steps in <c>MetamorphCheck.Training.cs</c>, generation in <c>MetamorphCheck.Generation.cs</c>.</remarks>
internal static partial class MetamorphCheck
{
    [ReferenceKind("metamorph")]
    public static void Check(ReferenceCase reference)
    {
        CheckLogits(reference);
        CheckTraining(reference);
        CheckGeneration(reference);
    }

    /// <summary>The model of the case, its parameters open to gradients; its image tokens are those that the case names.</summary>
    public static MetaMorphModel Load(ReferenceCase reference)
    {
        JsonElement json = JsonDocument.Parse(File.ReadAllText(reference.Path("config.json"))).RootElement;
        MetaMorphConfig config = MetaMorphConfig.FromJson(json);
        if (reference.Json.TryGetProperty("image_start", out JsonElement start)) Assert.AreEqual(start.GetInt32(), config.ImageStartId, $"{reference.Name}: image_start");
        if (reference.Json.TryGetProperty("image_end", out JsonElement end)) Assert.AreEqual(end.GetInt32(), config.ImageEndId, $"{reference.Name}: image_end");
        if (reference.Json.TryGetProperty("eos", out JsonElement eos)) CompareEndIds(reference, json, eos);
        return new MetaMorphModel(config, new PlainParameters(reference.Path("model.safetensors")));
    }

    private static void CompareEndIds(ReferenceCase reference, JsonElement config, JsonElement eos)
    {
        JsonElement ids = config.GetProperty("eos_token_id");
        int[] own = ids.ValueKind == JsonValueKind.Array ? [.. ids.EnumerateArray().Select(id => id.GetInt32())] : [ids.GetInt32()];
        CollectionAssert.AreEquivalent(eos.EnumerateArray().Select(id => id.GetInt32()).ToArray(), own, $"{reference.Name}: eos");
    }

    /// <summary>The ids of a row with every placeholder repeated for the tokens of its image.</summary>
    public static int[] Expand(ReferenceCase reference, Tensor ids, int tokensPerImage)
    {
        int mark = reference.Json.GetProperty("image_token_index").GetInt32();
        return [.. ids.data<long>().ToArray().SelectMany(id => id == mark ? Enumerable.Repeat(MetaMorphModel.ImagePlaceholder, tokensPerImage) : [(int)id])];
    }

    /// <summary>The visual tokens of a row; null if it has no image.</summary>
    public static Tensor? VisualTokens(ReferenceCase reference, int row) => reference.Find($"row{row}.visual_tokens");

    /// <summary>The embeddings of a row, its images in their places.</summary>
    public static Tensor Embed(ReferenceCase reference, MetaMorphModel model, int row)
        => model.Splice(Expand(reference, reference[$"row{row}.input_ids"], model.Config.VisualTokenCount), VisualTokens(reference, row));

    static partial void CheckTraining(ReferenceCase reference);

    static partial void CheckGeneration(ReferenceCase reference);

    private static void CheckLogits(ReferenceCase reference)
    {
        using var mode = no_grad();
        using MetaMorphModel model = Load(reference);
        double tolerance = reference.Json.GetProperty("tolerance").GetProperty("logits").GetDouble();
        Tensor[] rows = [.. Enumerable.Range(0, reference.Json.GetProperty("rows").GetInt32()).Select(row => Embed(reference, model, row))];
        for (int row = 0; row < rows.Length; row++)
        {
            long length = rows[row].shape[1];
            Tensor hidden = model.Language.Hidden(rows[row], SequenceLayout.Causal)[0];
            reference.AreClose(reference["final_hidden"][row].narrow(0, 0, length), hidden, tolerance, $"final_hidden of row {row}");
            reference.AreClose(reference["logits"][row].narrow(0, 0, length), model.Language.Logits(hidden), tolerance, $"logits of row {row}");
            if (model.Config.NormalizeVision) reference.AreClose(ones(length), model.PredictVisualTokens(hidden).norm(-1), 1e-5, $"length of visual tokens of row {row}");
        }
        // The figures are right-padded. Nobody uses what stands behind a row, but it has a value.
        Tensor padded = RightPaddedDecoder.Hidden(model.Language.Model, rows);
        reference.AreClose(reference["final_hidden"], padded, tolerance, "final_hidden with its padding");
        reference.AreClose(reference["logits"], model.Language.Logits(padded), tolerance, "logits with their padding");
    }
}
