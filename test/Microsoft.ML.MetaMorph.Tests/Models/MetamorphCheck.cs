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
        return new MetaMorphModel(config, new PlainParameters(reference.Path("model.safetensors")));
    }

    /// <summary>The ids of a row with every placeholder repeated for the tokens of its image.</summary>
    public static int[] Expand(ReferenceCase reference, Tensor ids, int tokensPerImage)
    {
        int mark = reference.Json.GetProperty("image_token_index").GetInt32();
        return [.. ids.data<long>().ToArray().SelectMany(id => id == mark ? Enumerable.Repeat(MetaMorphModel.ImagePlaceholder, tokensPerImage) : [(int)id])];
    }

    /// <summary>The visual tokens of a row; null if it has no image.</summary>
    public static Tensor? VisualTokens(ReferenceCase reference, int row) => reference.Tensors.GetValueOrDefault($"row{row}.visual_tokens");

    static partial void CheckTraining(ReferenceCase reference);

    static partial void CheckGeneration(ReferenceCase reference);

    private static void CheckLogits(ReferenceCase reference)
    {
        using var mode = no_grad();
        using MetaMorphModel model = Load(reference);
        double tolerance = reference.Json.GetProperty("tolerance").GetProperty("logits").GetDouble();
        int rows = reference.Json.GetProperty("rows").GetInt32();
        for (int row = 0; row < rows; row++)
        {
            int[] ids = Expand(reference, reference[$"row{row}.input_ids"], model.Config.VisualTokenCount);
            Tensor hidden = model.Language.Hidden(model.Splice(ids, VisualTokens(reference, row)), SequenceLayout.Causal)[0];
            // The figures are right-padded: what stands behind the row belongs to no one.
            reference.AreClose(reference["final_hidden"][row].narrow(0, 0, ids.Length), hidden, tolerance, $"final_hidden of row {row}");
            reference.AreClose(reference["logits"][row].narrow(0, 0, ids.Length), model.Language.Logits(hidden), tolerance, $"logits of row {row}");
            if (model.Config.NormalizeVision) reference.AreClose(ones(ids.Length), model.PredictVisualTokens(hidden).norm(-1), 1e-5, $"length of visual tokens of row {row}");
        }
    }
}
