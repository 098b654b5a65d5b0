using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The language model of a <c>weights</c> case: its logits, with the weights converted on loading and with the weights as stored.</summary>
internal static class WeightsModel
{
    public static void Check(ReferenceCase reference)
    {
        using var mode = no_grad();
        LanguageModelConfig config = LanguageModelConfig.FromJson(JsonDocument.Parse(File.ReadAllText(reference.Path("config.json"))).RootElement);
        foreach (ScalarType? elementType in new ScalarType?[] { ScalarType.Float32, null })
        {
            using TensorArchive archive = TensorArchive.Open(reference.Folder);
            var parameters = new StoredParameters(archive, CPU, elementType);
            using var model = new CausalLanguageModel(config, parameters);
            parameters.RefuseUnused();
            Tensor logits = model.Logits(model.Hidden(model.Embed(reference["input_ids"]), SequenceLayout.Causal));
            reference.AreClose(reference["logits"], logits, reference.Tolerance, $"logits, weights {(elementType is null ? "as stored" : "in float32")}");
        }
    }
}
