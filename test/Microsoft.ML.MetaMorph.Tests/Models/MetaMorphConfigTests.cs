using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class MetaMorphConfigTests
{
    public static IEnumerable<object[]> Cases => ReferenceCase.Own("metamorph").Concat(ReferenceCase.Own("packing")).Select(c => new object[] { c.Name });

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void APublishedConfigurationIsWrittenAsItWasRead(string name)
    {
        JsonElement published = JsonDocument.Parse(File.ReadAllText(ReferenceCase.OwnCase(name).Path("config.json"))).RootElement;
        MetaMorphConfig config = MetaMorphConfig.FromJson(published);
        JsonElement written = LanguageModelConfigTests.Json(config.Write);
        MetaMorphConfig again = MetaMorphConfig.FromJson(written);
        Assert.AreEqual(config with { Language = again.Language }, again);
        // Every entry of ours that the published file has, has its value.
        foreach (JsonProperty entry in written.EnumerateObject().Where(e => e.Name is not ("vision_config" or "architectures") && published.TryGetProperty(e.Name, out _)))
            Assert.IsTrue(JsonNode.DeepEquals(JsonNode.Parse(entry.Value.GetRawText()), JsonNode.Parse(published.GetProperty(entry.Name).GetRawText())), $"{name}: {entry.Name}");
    }

    [TestMethod]
    public void EveryLanguageModelHasItsModelType()
    {
        foreach (LanguageModelConfig language in TinyLanguageModels.Configs.Values)
        {
            MetaMorphConfig config = MetaMorphModelTests.Config(language);
            JsonElement written = LanguageModelConfigTests.Json(config.Write);
            Assert.AreEqual("metamorph_" + language.ModelType, written.GetProperty("model_type").GetString());
            LanguageModelConfig read = MetaMorphConfig.FromJson(written).Language;
            Assert.AreEqual(language with { EosTokenIds = read.EosTokenIds }, read);
        }
    }

    [TestMethod]
    [DataRow("mm_projector_type", "mlpsoftmax", "linear, mlpNx_gelu (N = 1, 2, …), identity")]
    [DataRow("mm_projector_type", "mlpmixer", "mlpmixer")]
    [DataRow("mm_projector_type", "mlp0x_gelu", "mlp0x_gelu")]
    [DataRow("vision_head_type", "mlpmixer", "linear, mlp, mlp2x_gelu")]
    [DataRow("image_token_reduction", "mlpmixer", "interpolation")]
    [DataRow("mm_vision_select_feature", "cls_patch", "cls_patch")]
    public void OtherConnectorsAreRefusedByName(string key, string value, string named)
    {
        NotSupportedException error = Assert.ThrowsExactly<NotSupportedException>(() => Read(key, value));
        StringAssert.Contains(error.Message, value);
        StringAssert.Contains(error.Message, named);
    }

    [TestMethod]
    [DataRow("mm_projector_type", "identity", "hidden_size")]
    [DataRow("image_start_token_id", 61, "61")]
    [DataRow("image_start_token_id", 60, "60")]
    [DataRow("num_image_tokens", 0, "num_image_tokens")]
    public void UnusableValuesAreRefusedByName(string key, object value, string named)
        => StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => Read(key, value)).Message, named);

    [TestMethod]
    public void ImageTokensMayComeFromTheTokenizer()
    {
        JsonObject json = Json();
        json.Remove("image_start_token_id");
        json.Remove("image_end_token_id");
        JsonElement element = JsonDocument.Parse(json.ToJsonString()).RootElement;
        Assert.AreEqual("'image_start_token_id' is missing; it must be a whole number.", Assert.ThrowsExactly<InvalidDataException>(() => MetaMorphConfig.FromJson(element)).Message);
        Assert.AreEqual((7, 8), (MetaMorphConfig.FromJson(element, 7, 8).ImageStartId, MetaMorphConfig.FromJson(element, 7, 8).ImageEndId));
    }

    private static MetaMorphConfig Read(string key, object value)
    {
        JsonObject json = Json();
        json[key] = JsonSerializer.SerializeToNode(value);
        return MetaMorphConfig.FromJson(JsonDocument.Parse(json.ToJsonString()).RootElement);
    }

    private static JsonObject Json() => JsonNode.Parse(LanguageModelConfigTests.Json(MetaMorphModelTests.Config(TinyLanguageModels.Configs["llama-3"]).Write).GetRawText())!.AsObject();
}
