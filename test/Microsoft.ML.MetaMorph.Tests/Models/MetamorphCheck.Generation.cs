using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Generation that is forced into image mode: the text ids and visual tokens of every engine.</summary>
internal static partial class MetamorphCheck
{
    static partial void CheckGeneration(ReferenceCase reference)
    {
        JsonElement json = reference.Json;
        using MetaMorphModel model = Load(reference);
        int mark = json.GetProperty("image_token_index").GetInt32();
        int[] ids = [.. reference["generate.input_ids"].flatten().data<long>().ToArray().Select(id => id == mark ? MetaMorphModel.ImagePlaceholder : (int)id)];
        int[] eos = [.. json.GetProperty("eos").EnumerateArray().Select(e => e.GetInt32())], forced = [.. json.GetProperty("forced_first_text_ids").EnumerateArray().Select(e => e.GetInt32())];
        var request = new GenerationRequest(ids, PromptTokens(reference, model, ids)) { ForcedIds = forced };
        var options = new GenerationOptions { MaxNewTokens = json.GetProperty("max_new").GetInt32() };
        foreach (ResponseDecoder decoder in VectorizedDecoderTests.Decoders(model.Language, model))
        {
            using var generator = new ResponseGenerator(model.Language, model, decoder, options, endIds: eos);
            GeneratedResponse response = generator.Generate(request);
            CollectionAssert.AreEqual(reference["generate.text_ids"].data<long>().ToArray(), response.TokenIds.Select(id => (long)id).ToArray(), $"{reference.Name}: generate.text_ids, {decoder.Name}");
            Tensor tokens = tensor(response.VisualTokens, [response.ImageCount * model.Config.VisualTokenCount, model.Config.VisualTokenWidth]);
            reference.AreClose(reference["generate.visual_tokens"], tokens, json.GetProperty("tolerance").GetProperty("logits").GetDouble(), $"generate.visual_tokens, {decoder.Name}");
        }
    }

    /// <summary>The visual tokens of the prompt's pictures, by the model's own vision tower, which gives those of the rows as well.</summary>
    private static float[] PromptTokens(ReferenceCase reference, MetaMorphModel model, int[] ids)
    {
        MetaMorphConfig config = model.Config;
        var parameters = new PlainParameters(reference.Path("model.safetensors"));
        // Both spellings of the tower's place have been published.
        ParameterSource place = parameters["model"]["vision_tower"]["vision_tower"];
        if (place["vision_model"].Has("post_layernorm.weight")) place = place["vision_model"];
        using var tower = new SiglipVisionTransformer(config.Vision!, place);
        var encoder = new VisualTokenEncoder(tower, config.VisualTokens);
        double tolerance = reference.Json.GetProperty("tolerance").GetProperty("logits").GetDouble();
        for (int row = 0; row < reference.Json.GetProperty("rows").GetInt32(); row++)
        {
            if (VisualTokens(reference, row) is { } expected)
                reference.AreClose(expected, encoder.Encode(reference[$"row{row}.pixel_values"]), tolerance, $"visual tokens of row {row}");
        }
        return !ids.Contains(MetaMorphModel.ImagePlaceholder) ? [] : encoder.Encode(reference["generate.pixel_values"]).contiguous().data<float>().ToArray();
    }
}
