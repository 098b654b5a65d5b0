using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>manifest</c>: models of the real published sizes, constructed on the meta device, have the published names and shapes.</summary>
internal static class ManifestCheck
{
    /// <summary>How a manifest's model is constructed, by the <c>model_type</c> (or <c>_class_name</c>) of its configuration; ONE place to register more.</summary>
    private static readonly Dictionary<string, Func<JsonElement, TorchSharp.torch.nn.Module>> Constructors = new()
    {
        ["llama"] = config => new CausalLanguageModel(LanguageModelConfig.FromJson(config), new MetaParameters()),
        ["mistral"] = config => new CausalLanguageModel(LanguageModelConfig.FromJson(config), new MetaParameters()),
        ["qwen2"] = config => new CausalLanguageModel(LanguageModelConfig.FromJson(config), new MetaParameters()),
        ["qwen3"] = config => new CausalLanguageModel(LanguageModelConfig.FromJson(config), new MetaParameters()),
        ["siglip"] = config => new SiglipModel(SiglipConfig.FromJson(config), new MetaParameters()),
        ["siglip_vision_model"] = config => new SiglipVisionModel(SiglipVisionConfig.FromJson(config), new MetaParameters()),
        ["siglip_text_model"] = config => new SiglipTextModel(SiglipTextConfig.FromJson(config), new MetaParameters()),
        ["siglip2_vision_model"] = config => new Siglip2VisionModel(Siglip2VisionConfig.FromJson(config), new MetaParameters()),
        [UNet2DConditionConfig.ClassName] = config => new UNet2DConditionModel(UNet2DConditionConfig.FromJson(config), new MetaParameters()),
        [AutoencoderKLConfig.ClassName] = config => new AutoencoderKL(AutoencoderKLConfig.FromJson(config), new MetaParameters()),
    };

    /// <summary>Configurations that name no model, recognised by an entry that only theirs has.</summary>
    private static readonly Dictionary<string, string> Unnamed = new()
    {
        ["cross_attention_dim"] = UNet2DConditionConfig.ClassName,
        ["latent_channels"] = AutoencoderKLConfig.ClassName,
    };

    [ReferenceKind("manifest")]
    public static void Check(ReferenceCase reference)
    {
        int compared = 0;
        foreach (string path in Directory.GetFiles(reference.Folder, "*.json").Order(StringComparer.Ordinal).Where(p => Path.GetFileName(p) != "case.json"))
        {
            using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(path));
            JsonElement config = manifest.RootElement.GetProperty("config");
            string name = Path.GetFileNameWithoutExtension(path);
            Compare(name, manifest.RootElement, Construct(name, config));
            compared++;
        }
        Console.WriteLine($"{reference.Name}: {compared} models compared");
        Assert.AreNotEqual(0, compared, $"{reference.Name}: no manifest");
    }

    private static TorchSharp.torch.nn.Module Construct(string name, JsonElement config)
    {
        string kind = Kind(config) ?? "no model_type";
        Assert.IsTrue(Constructors.TryGetValue(kind, out Func<JsonElement, TorchSharp.torch.nn.Module>? construct), $"{name}: nothing constructs '{kind}'. Known: {string.Join(", ", Constructors.Keys)}");
        return construct(config);
    }

    private static string? Kind(JsonElement config)
        => new[] { "model_type", "_class_name" }.Select(key => config.TryGetProperty(key, out JsonElement type) ? type.GetString() : null).FirstOrDefault(type => type is not null)
            ?? Unnamed.FirstOrDefault(entry => config.TryGetProperty(entry.Key, out _)).Value;

    private static void Compare(string name, JsonElement manifest, TorchSharp.torch.nn.Module model)
    {
        using (model)
        {
            var expected = manifest.GetProperty("tensors").EnumerateObject().ToDictionary(t => t.Name, t => string.Join(",", t.Value.EnumerateArray().Select(x => x.GetInt64())));
            var actual = model.state_dict().ToDictionary(t => t.Key, t => string.Join(",", t.Value.shape));
            Assert.AreEqual("", string.Join("; ", expected.Except(actual).Select(t => $"{t.Key} [{t.Value}]")), $"{name}: published, not constructed");
            Assert.AreEqual("", string.Join("; ", actual.Except(expected).Select(t => $"{t.Key} [{t.Value}]")), $"{name}: constructed, not published");
            if (manifest.TryGetProperty("parameters", out JsonElement count)) Assert.AreEqual(count.GetInt64(), model.parameters().Sum(p => p.numel()), $"{name}: number of parameters");
            Assert.IsTrue(model.state_dict().Values.All(t => t.device.type == TorchSharp.DeviceType.META), $"{name}: a tensor holds memory");
        }
    }
}
