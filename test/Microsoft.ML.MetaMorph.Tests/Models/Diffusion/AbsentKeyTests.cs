using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What a diffusion configuration leaves away has diffusers' default; an error that shows one says so.</summary>
[TestClass]
public sealed class AbsentKeyTests
{
    private const string Absent = "the published default: the key is absent";

    [TestMethod]
    public void AConfigurationThatSaysNothingIsRefused()
    {
        foreach (string name in new[] { AutoencoderKLConfig.ClassName, UNet2DConditionConfig.ClassName })
        {
            Assert.AreEqual($"config.json: '_class_name' is missing, and so is every option of a {name}; it must be \"{name}\".", Refused(() => Read(name, """{"_diffusers_version": "0.36.0"}""")));
            // One option tells whose it is.
            Assert.IsNotNull(Read(name, """{"in_channels": 3}"""));
        }
    }

    [TestMethod]
    public void SizesThatDoNotFitTheirDefaults()
    {
        Assert.AreEqual($"config.json: block_out_channels 64 ({Absent}) is not a multiple of norm_num_groups 48.", Refused(() => Read(AutoencoderKLConfig.ClassName, """{"norm_num_groups": 48}""")));
        Assert.AreEqual($"config.json: block_out_channels 40 is not a multiple of norm_num_groups 32 ({Absent}).", Refused(() => Read(AutoencoderKLConfig.ClassName, """{"block_out_channels": [40]}""")));
        Assert.AreEqual($"config.json: down_block_types has 4 entries ({Absent}), block_out_channels 2; they must be equal.", Refused(() => Read(UNet2DConditionConfig.ClassName, """{"block_out_channels": [320, 640]}""")));
        Assert.AreEqual($"config.json: block_out_channels 36 is not a multiple of 8 attention heads (attention_head_dim, {Absent}).", Refused(() => Read(UNet2DConditionConfig.ClassName, """{"block_out_channels": [36, 72, 144, 144], "norm_num_groups": 4}""")));
    }

    [TestMethod]
    public void PartsOfAVisualizerThatDoNotFit()
    {
        var adapter = VisualTokenAdapterConfig.FromJson(JsonDocument.Parse("""{"input_dim": 12}""").RootElement);
        VisualizerConfig config = TinyDiffusion.Latent with { Adapter = adapter };
        Assert.AreEqual(
            $"The adapter gives vectors of width 768 (output_dim, {Absent}), the UNet's cross-attention takes 20 (cross_attention_dim): they do not belong together.",
            Refused(() => { config.Validate(); return config; }));
        Assert.AreEqual(
            " The adapter's configuration lacks these keys, which have their published defaults: hidden_dim = 2048, output_dim = 768, num_tokens = 64, num_layers = 2.",
            config.AbsentSizes);
        Assert.AreEqual("", TinyDiffusion.Latent.AbsentSizes);
    }

    private static object Read(string name, string json)
    {
        JsonElement config = JsonDocument.Parse(json).RootElement;
        return name == AutoencoderKLConfig.ClassName ? AutoencoderKLConfig.FromJson(config) : UNet2DConditionConfig.FromJson(config);
    }

    private static string Refused(Func<object> read) => Assert.ThrowsExactly<InvalidDataException>(read).Message;
}
