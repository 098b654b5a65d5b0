using System.Text.Json.Nodes;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A configuration that cannot be names its file, the key, what was found and what was expected, whoever opens it.</summary>
[TestClass]
public sealed class ConfigFileErrorTests : FolderTests
{
    private const string Absent = " (the published default: the key is absent)";
    private const string NoKind = "'model_type' is missing; it must be siglip_vision_model or siglip2_vision_model, or siglip or siglip2 with a 'vision_config'.";

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow("num_image_tokens", "\"four\"", "'num_image_tokens' is \"four\"; it must be a whole number above zero.")]
    [DataRow("num_image_tokens", "-4", "'num_image_tokens' is -4; it must be a whole number above zero.")]
    [DataRow("num_image_tokens", "5", "num_image_tokens is 5, image_token_reduction is interpolation" + Absent + ", mm_vision_select_layer is -1" + Absent + ": 5 visual tokens form no square grid; a token reduction needs a square number (1, 4, 16, 64, 256, …).")]
    [DataRow("num_image_tokens", "2147395600", "num_image_tokens is 2147395600, image_token_reduction is interpolation" + Absent + ", mm_vision_select_layer is -1" + Absent + ": 2147395600 visual tokens a picture are too many; at most 65536 are possible.")]
    [DataRow("num_image_tokens", "268435456", "num_image_tokens is 268435456, image_token_reduction is interpolation" + Absent + ", mm_vision_select_layer is -1" + Absent + ": 268435456 visual tokens a picture are too many; at most 65536 are possible.")]
    [DataRow("mm_vision_select_layer", "9", "num_image_tokens is 64" + Absent + ", image_token_reduction is interpolation" + Absent + ", mm_vision_select_layer is 9: Layer 9 was selected; the tower has 1 blocks: -2 to 1 can be selected.")]
    [DataRow("normalize_vision", "\"yes\"", "'normalize_vision' is \"yes\"; it must be true or false.")]
    [DataRow("image_token_reduction", "3", "'image_token_reduction' is 3; it must be a text.")]
    [DataRow("hidden_size", "-8", "'hidden_size' is -8; it must be a whole number above zero.")]
    [DataRow("hidden_size", "8.5", "'hidden_size' is 8.5; it must be a whole number above zero.")]
    [DataRow("layer_norm_eps", "0", "'layer_norm_eps' is 0; it must be above zero.")]
    [DataRow("vision_config", "3", "'vision_config' is 3; it must be an object.")]
    [DataRow("model_type", null, NoKind)]
    [DataRow("model_type", "[1]", "'model_type' is [1]; it must be a text.")]
    public void AnEncoders(string key, string? value, string expected)
    {
        TinyFolders.SaveEncoder(Folder.Path);
        Set("config.json", key, value);
        Assert.AreEqual($"'{Folder["config.json"]}': {expected}", Refusal(() => ImageEncoder.Load(Folder.Path)));
    }

    [TestMethod]
    public void AReductionThatIsNotComputedIsNamedWithItsFile()
    {
        TinyFolders.SaveEncoder(Folder.Path);
        Set("config.json", "image_token_reduction", "\"mlpmixer\"");
        Assert.AreEqual(
            $"'{Folder["config.json"]}': The token reduction \"mlpmixer\" (image_token_reduction) is not supported. Supported: none, interpolation, concat_interpolation.",
            Assert.ThrowsExactly<NotSupportedException>(() => ImageEncoder.Load(Folder.Path)).Message);
        // The same by an option is the option's.
        Set("config.json", "image_token_reduction", null);
        Assert.AreEqual(
            "The token reduction \"mlpmixer\" (image_token_reduction) is not supported. Supported: none, interpolation, concat_interpolation.",
            Assert.ThrowsExactly<NotSupportedException>(() => ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { TokenReduction = "mlpmixer" })).Message);
    }

    [TestMethod]
    [DataRow("size", "\"wide\"", "'size' is \"wide\"; it needs both 'height' and 'width'.")]
    [DataRow("size", "-16", "'size' is -16; a whole number from 1 to 16384 is needed.")]
    [DataRow("image_mean", "\"grey\"", "'image_mean' is \"grey\"; a number is needed.")]
    [DataRow("rescale_factor", "1e300", "'rescale_factor' is 1E+300: with it, 'image_mean' 0.5 and 'image_std' 0.5, a pixel of 255 becomes 5.1E+302 in channel 1; at most 1000000 can be computed with. 1/255, 0.5 and 0.5 are usual.")]
    [DataRow("image_std", "[0.5, 1e-30, 0.5]", "'rescale_factor' is 0.00392156862745098: with it, 'image_mean' 0.5 and 'image_std' 1E-30, a pixel of 255 becomes 4.999999984144616E+29 in channel 2; at most 1000000 can be computed with. 1/255, 0.5 and 0.5 are usual.")]
    [DataRow("do_resize", "1", "'do_resize' is 1; true or false is needed.")]
    [DataRow("resample", "9", "'resample' is 9; 0 (nearest) to 5 (Hamming) are known, 3 is bicubic.")]
    public void APreprocessors(string key, string value, string expected)
    {
        TinyFolders.SaveEncoder(Folder.Path);
        Set("preprocessor_config.json", key, value);
        Assert.AreEqual($"{Folder["preprocessor_config.json"]}: {expected}", Refusal(() => ImageEncoder.Load(Folder.Path)));
    }

    /// <summary>What an option says is the option's fault, and no file's.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(268_435_456)]
    [DataRow(2_147_395_600)]
    public void AnOptionOutOfRange(int count)
        => Assert.AreEqual(
            $"VisualTokenCount must be from 1 to 65536. (Parameter 'VisualTokenCount')\nActual value was {count}.",
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { VisualTokenCount = count })).Message.ReplaceLineEndings("\n"));

    [TestMethod]
    [DataRow("")]
    [DataRow(" \n")]
    public void AnEmptyTemplate(string template)
    {
        TinyFolders.SaveMetaMorph(Folder.Path);
        Folder.Write("chat_template.jinja", template);
        string expected = $"{Folder["chat_template.jinja"]}: the chat template is empty; put the model's Jinja template there, or remove the file where tokenizer_config.json has one.";
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().GenerateResponse(Folder.Path).Fit(Rows())));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Folder.Path).Fit(Rows())));
    }

    /// <summary>Editors of Windows put a byte order mark in front of what they save.</summary>
    [TestMethod]
    public void AByteOrderMarkIsPassedOver()
    {
        TinyFolders.SaveEncoder(Folder.Path);
        foreach (string file in new[] { "config.json", "preprocessor_config.json" }) File.WriteAllText(Folder[file], File.ReadAllText(Folder[file]), new System.Text.UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.AreEqual(0xEF, File.ReadAllBytes(Folder["preprocessor_config.json"])[0]);
        using ImageEncoder encoder = ImageEncoder.Load(Folder.Path);
        Assert.AreEqual(16, encoder.ImageSize);
    }

    /// <summary>Each file is sound alone: both are named, with both sizes and where they lie.</summary>
    [TestMethod]
    public void APreprocessorOfAnotherSize()
    {
        TinyFolders.SaveEncoder(Folder.Path);
        Set("preprocessor_config.json", "size", """{"height": 20, "width": 24}""");
        string expected = $"'{Folder.Path}': preprocessor_config.json makes pictures of 24x20 (size), but the vision tower of config.json takes pictures of 16x16 (image_size). They do not belong together.";
        Assert.AreEqual(expected, Refusal(() => ImageEncoder.Load(Folder.Path)));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(FromFolder()).Fit(TinyModels.Captions(_ml, 4))));
    }

    [TestMethod]
    public void AMissingPreprocessorIsNamedOnce()
    {
        TinyFolders.SaveEncoder(Folder.Path);
        File.Delete(Folder["preprocessor_config.json"]);
        Assert.AreEqual(
            $"'{Folder.Path}' has no preprocessor_config.json, which says how large the pictures of this model are.",
            Assert.ThrowsExactly<FileNotFoundException>(() => ImageEncoder.Load(Folder.Path)).Message);
    }

    [TestMethod]
    public void ATowerOfGreyPictures()
    {
        TinyFolders.SaveEncoder(Folder.Path);
        Set("config.json", "num_channels", "1");
        string expected = $"'{Folder["config.json"]}': 'num_channels' is 1; it must be 3: pictures are given to the tower as red, green and blue.";
        Assert.AreEqual(expected, Refusal(() => ImageEncoder.Load(Folder.Path)));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(FromFolder()).Fit(TinyModels.Captions(_ml, 4))));
    }

    [TestMethod]
    [DataRow("hidden_size", null, "'hidden_size' is missing; it must be a whole number above zero.")]
    [DataRow("model_type", null, "'model_type' is missing; it must be one of llama, mistral, qwen2, qwen3, or metamorph_ with one of them.")]
    [DataRow("num_hidden_layers", "-1", "'num_hidden_layers' is -1; it must be a whole number above zero.")]
    [DataRow("mm_hidden_size", "-4", "'mm_hidden_size' is -4; it must be a whole number above zero.")]
    [DataRow("num_image_tokens", "2147395600", "num_image_tokens is 2147395600; it must be at most 65536.")]
    [DataRow("mm_hidden_size", "1073741824", "num_image_tokens is 4 and mm_hidden_size 1073741824: 4294967296 values a picture, of which at most 2147483591 can be held.")]
    [DataRow("rope_theta", "1e-320", "rope_theta is 1E-320; it must be from 1 to 1e15.")]
    [DataRow("bos_token_id", "-5", "bos_token_id is -5; it must be the id of a token, from 0 to 263 (vocab_size is 264).")]
    [DataRow("eos_token_id", "2147483647", "eos_token_id is 2147483647; it must be the id of a token, from 0 to 263 (vocab_size is 264).")]
    [DataRow("eos_token_id", "[1, 264]", "eos_token_id is 264; it must be the id of a token, from 0 to 263 (vocab_size is 264).")]
    [DataRow("rope_scaling", "3", "'rope_scaling' is 3; it must be an object.")]
    [DataRow("rope_theta", "\"big\"", "'rope_theta' is \"big\"; it must be a number.")]
    [DataRow("num_key_value_heads", "3", "num_attention_heads (2) is no multiple of num_key_value_heads (3).")]
    [DataRow("eos_token_id", "[1,\"two\"]", "'eos_token_id' is [1,\"two\"]; it must be a list of whole numbers.")]
    public void AMetaMorphs(string key, string? value, string expected)
    {
        TinyFolders.SaveMetaMorph(Folder.Path);
        Set("config.json", key, value);
        expected = $"'{Folder["config.json"]}': {expected}";
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().GenerateResponse(Folder.Path).Fit(Rows())));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Folder.Path).Fit(Rows())));
    }

    [TestMethod]
    [DataRow("eos_token", "3", "eos_token must be a string, but is 3.")]
    [DataRow("additional_special_tokens", "[7]", "additional_special_tokens[0] must be a string, but is 7.")]
    public void ATokenizers(string key, string value, string expected)
    {
        TinyFolders.SaveMetaMorph(Folder.Path);
        Set("tokenizer_config.json", key, value);
        Assert.AreEqual($"{Folder["tokenizer_config.json"]}: {expected}", Refusal(() => _ml.MetaMorph().GenerateResponse(Folder.Path).Fit(Rows())));
    }

    [TestMethod]
    public void AListIsNoConfiguration()
    {
        TinyFolders.SaveMetaMorph(Folder.Path);
        Folder.Write("tokenizer_config.json", "[1]");
        Assert.AreEqual($"{Folder["tokenizer_config.json"]}: the file must be an object, but is [1].", Refusal(() => _ml.MetaMorph().GenerateResponse(Folder.Path).Fit(Rows())));
        Folder.Write("config.json", "[1]");
        string expected = $"'{Folder["config.json"]}': [1] stands where a JSON object with 'mm_hidden_size' is expected.";
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().GenerateResponse(Folder.Path).Fit(Rows())));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Folder.Path).Fit(Rows())));
        TinyFolders.SaveEncoder(Folder.Path);
        Folder.Write("preprocessor_config.json", "[1]");
        Assert.AreEqual($"{Folder["preprocessor_config.json"]}: a JSON object is needed, not Array.", Refusal(() => ImageEncoder.Load(Folder.Path)));
        Folder.Write("config.json", "[1]");
        // A vision tower alone has no 'vision_config', but every published configuration has its 'model_type': whoever opens the folder tells that.
        expected = $"'{Folder["config.json"]}': [1] stands where a JSON object with 'model_type' is expected.";
        Assert.AreEqual(expected, Refusal(() => ImageEncoder.Load(Folder.Path)));
        Assert.AreEqual(expected, Refusal(() => LanguageImageEncoder.Load(Folder.Path)));
        Assert.AreEqual(
            expected,
            Refusal(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(FromFolder()).Fit(TinyModels.Captions(_ml, 4))));
    }

    [TestMethod]
    public void AMetaMorphWithoutAVisionTowerGivesNoEncoder()
    {
        TinyFolders.SaveMetaMorph(Folder.Path);
        Assert.AreEqual($"'{Folder["config.json"]}': This MetaMorph has no 'vision_config': its pictures were encoded by another model. Load that one's folder.", Refusal(() => ImageEncoder.Load(Folder.Path)));
    }

    /// <summary>Every size of a SigLIP has a published default, so an empty configuration would pass for one of the first published size.</summary>
    [TestMethod]
    public void AnEmptyConfigurationOfAnEncoder()
    {
        TinyFolders.SaveEncoder(Folder.Path);
        Folder.Write("config.json", "{}");
        string expected = $"'{Folder["config.json"]}': {NoKind}";
        Assert.AreEqual(expected, Refusal(() => ImageEncoder.Load(Folder.Path)));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(FromFolder()).Fit(TinyModels.Captions(_ml, 4))));
    }

    /// <summary>A number that stands in no file is told as what it is.</summary>
    [TestMethod]
    public void PublishedDefaultsAreToldAsSuch()
    {
        TinyFolders.SaveEncoder(Folder.Path);
        Set("config.json", "image_size", null);
        string expected = $"'{Folder.Path}': preprocessor_config.json makes pictures of 16x16 (size), but the vision tower of config.json takes pictures of 224x224 (image_size, the published default: the key is absent). They do not belong together.";
        Assert.AreEqual(expected, Refusal(() => ImageEncoder.Load(Folder.Path)));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(FromFolder()).Fit(TinyModels.Captions(_ml, 4))));

        TinyFolders.SaveEncoder(Folder.Path);
        Set("config.json", "hidden_size", null);
        Set("config.json", "num_attention_heads", "5");
        Assert.AreEqual($"'{Folder["config.json"]}': hidden_size 768{Absent} is not a multiple of num_attention_heads 5.", Refusal(() => ImageEncoder.Load(Folder.Path)));

        TinyFolders.SaveEncoder(Folder.Path);
        Set("config.json", "intermediate_size", null);
        Set("config.json", "patch_size", null);
        Set("config.json", "image_token_reduction", "\"none\"");
        Set("config.json", "num_image_tokens", "1");
        string message = Refusal(() => ImageEncoder.Load(Folder.Path));
        StringAssert.StartsWith(message, $"'{WeightsFile}': tensor '");
        StringAssert.EndsWith(message, "The weights and the configuration do not belong together. config.json lacks these keys, which have their published defaults: intermediate_size = 3072, patch_size = 16.");
    }

    [TestMethod]
    public void PublishedDefaultsOfALanguageModelAreToldAsSuch()
    {
        TinyFolders.SaveMetaMorph(Folder.Path);
        Set("config.json", "num_key_value_heads", null);
        Set("config.json", "vision_head_type", null);
        string message = Refusal(() => _ml.MetaMorph().GenerateResponse(Folder.Path).Fit(Rows()));
        StringAssert.StartsWith(message, $"'{WeightsFile}': tensor 'model.layers.0.self_attn.");
        StringAssert.EndsWith(message, "The weights and the configuration do not belong together. config.json lacks these keys, which have their published defaults: num_key_value_heads = 2, vision_head_type = mlp.");
    }

    /// <summary>Sets an entry of a JSON file; null takes it away.</summary>
    private void Set(string file, string key, string? value)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(Folder[file]))!.AsObject();
        if (value is null) json.Remove(key);
        else json[key] = JsonNode.Parse(value);
        Folder.Write(file, json.ToJsonString());
    }

    private LanguageImagePretrainingTrainer.Options FromFolder()
        => new() { PretrainedFolder = Folder.Path, Training = TinyModels.Encoder, TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 } };

    private static string Refusal(Func<object> open) => Assert.ThrowsExactly<InvalidDataException>(() => open()).Message;

    private IDataView Rows() => _ml.Data.LoadFromEnumerable([new Row()]);

    private sealed class Row
    {
        public string Prompt { get; set; } = "<image>Which colour?";

        public string Response { get; set; } = "red";

        [VectorType(0, 4, 8)]
        public float[] VisualTokens { get; set; } = [.. Enumerable.Repeat(0.35f, 32)];
    }
}
