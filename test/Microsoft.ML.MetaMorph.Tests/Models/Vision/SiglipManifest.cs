using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Names and shapes of published SigLIP models of their real sizes, constructed on the <c>meta</c> device.</summary>
internal static class SiglipManifest
{
    /// <summary>Whether a manifest's config is a SigLIP's.</summary>
    public static bool Serves(JsonElement manifest)
        => manifest.TryGetProperty("config", out JsonElement config) && config.TryGetProperty("model_type", out JsonElement type)
            && type.ValueKind == JsonValueKind.String && type.GetString()!.StartsWith("siglip", StringComparison.Ordinal);

    /// <summary>Constructs the model that the config describes and compares the name and shape of every tensor.</summary>
    public static void Check(string name, JsonElement manifest)
    {
        using nn.Module model = Construct(manifest.GetProperty("config"));
        SortedDictionary<string, string> expected = new(StringComparer.Ordinal), actual = new(StringComparer.Ordinal);
        foreach (JsonProperty tensor in manifest.GetProperty("tensors").EnumerateObject()) expected[tensor.Name] = string.Join(", ", tensor.Value.EnumerateArray().Select(x => x.GetInt64()));
        long parameters = 0;
        foreach ((string parameter, var tensor) in model.named_parameters())
        {
            Assert.AreEqual(TorchSharp.DeviceType.META, tensor.device_type, parameter);
            actual[parameter] = string.Join(", ", tensor.shape);
            parameters += tensor.numel();
        }
        CollectionAssert.AreEqual(expected.Select(t => $"{t.Key} [{t.Value}]").ToArray(), actual.Select(t => $"{t.Key} [{t.Value}]").ToArray(), $"{name}: names and shapes");
        Assert.AreEqual(0, model.named_buffers().Count(), $"{name}: buffers");
        if (manifest.TryGetProperty("parameters", out JsonElement count)) Assert.AreEqual(count.GetInt64(), parameters, $"{name}: number of parameters");
    }

    private static nn.Module Construct(JsonElement config)
    {
        var source = new MetaParameters();
        string type = config.GetProperty("model_type").GetString()!;
        return type switch
        {
            "siglip" => new SiglipModel(SiglipConfig.FromJson(config), source),
            "siglip_vision_model" => new SiglipVisionModel(SiglipVisionConfig.FromJson(config), source),
            "siglip_text_model" => new SiglipTextModel(SiglipTextConfig.FromJson(config), source),
            "siglip2_vision_model" => new Siglip2VisionModel(Siglip2VisionConfig.FromJson(config), source),
            _ => throw new AssertFailedException($"no model for model_type {type}"),
        };
    }
}
