using System.Text.Json.Nodes;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A configuration that cannot be names its file, the key, what was found and what was expected, whoever opens it.</summary>
[TestClass]
public sealed class ConfigFileErrorTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly ScratchFolder _folder = new();

    [TestCleanup]
    public void RemoveFolder() => _folder.Dispose();

    [TestMethod]
    [DataRow("num_image_tokens", "\"four\"", "'num_image_tokens' is \"four\"; it must be a whole number above zero.")]
    [DataRow("num_image_tokens", "-4", "'num_image_tokens' is -4; it must be a whole number above zero.")]
    [DataRow("num_image_tokens", "5", "num_image_tokens is 5, image_token_reduction is interpolation, mm_vision_select_layer is -1: 5 visual tokens form no square grid; a token reduction needs a square number (1, 4, 16, 64, 256, …).")]
    [DataRow("mm_vision_select_layer", "9", "num_image_tokens is 64, image_token_reduction is interpolation, mm_vision_select_layer is 9: Layer 9 was selected; the tower has 1 blocks: -2 to 1 can be selected.")]
    [DataRow("normalize_vision", "\"yes\"", "'normalize_vision' is \"yes\"; it must be true or false.")]
    [DataRow("image_token_reduction", "3", "'image_token_reduction' is 3; it must be a text.")]
    [DataRow("hidden_size", "-8", "'hidden_size' is -8; it must be a whole number above zero.")]
    [DataRow("hidden_size", "8.5", "'hidden_size' is 8.5; it must be a whole number above zero.")]
    [DataRow("layer_norm_eps", "0", "'layer_norm_eps' is 0; it must be above zero.")]
    [DataRow("vision_config", "3", "'vision_config' is 3; it must be an object.")]
    [DataRow("model_type", "[1]", "'model_type' is [1]; it must be a text.")]
    public void AnEncoders(string key, string value, string expected)
    {
        TinyFolders.SaveEncoder(_folder.Path);
        Set("config.json", key, value);
        Assert.AreEqual($"'{_folder["config.json"]}': {expected}", Refusal(() => ImageEncoder.Load(_folder.Path)));
    }

    [TestMethod]
    public void AReductionThatIsNotComputedIsNamedWithItsFile()
    {
        TinyFolders.SaveEncoder(_folder.Path);
        Set("config.json", "image_token_reduction", "\"mlpmixer\"");
        Assert.AreEqual(
            $"'{_folder["config.json"]}': The token reduction \"mlpmixer\" (image_token_reduction) is not supported. Supported: none, interpolation, concat_interpolation.",
            Assert.ThrowsExactly<NotSupportedException>(() => ImageEncoder.Load(_folder.Path)).Message);
        // The same by an option is the option's.
        Set("config.json", "image_token_reduction", null);
        Assert.AreEqual(
            "The token reduction \"mlpmixer\" (image_token_reduction) is not supported. Supported: none, interpolation, concat_interpolation.",
            Assert.ThrowsExactly<NotSupportedException>(() => ImageEncoder.Load(_folder.Path, new ImageEncoderOptions { TokenReduction = "mlpmixer" })).Message);
    }

    [TestMethod]
    [DataRow("size", "\"wide\"", "'size' is \"wide\"; it needs both 'height' and 'width'.")]
    [DataRow("size", "-16", "'size' is -16; a whole number from 1 to 16384 is needed.")]
    [DataRow("image_mean", "\"grey\"", "'image_mean' is \"grey\"; a number is needed.")]
    [DataRow("do_resize", "1", "'do_resize' is 1; true or false is needed.")]
    [DataRow("resample", "9", "'resample' is 9; 0 (nearest) to 5 (Hamming) are known, 3 is bicubic.")]
    public void APreprocessors(string key, string value, string expected)
    {
        TinyFolders.SaveEncoder(_folder.Path);
        Set("preprocessor_config.json", key, value);
        Assert.AreEqual($"{_folder["preprocessor_config.json"]}: {expected}", Refusal(() => ImageEncoder.Load(_folder.Path)));
    }

    /// <summary>Each file is sound alone: both are named, with both sizes and where they lie.</summary>
    [TestMethod]
    public void APreprocessorOfAnotherSize()
    {
        TinyFolders.SaveEncoder(_folder.Path);
        Set("preprocessor_config.json", "size", """{"height": 20, "width": 24}""");
        string expected = $"'{_folder.Path}': preprocessor_config.json makes pictures of 24x20 (size), but the vision tower of config.json takes pictures of 16x16 (image_size). They do not belong together.";
        Assert.AreEqual(expected, Refusal(() => ImageEncoder.Load(_folder.Path)));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(FromFolder()).Fit(TinyModels.Captions(_ml, 4))));
    }

    [TestMethod]
    public void AMissingPreprocessorIsNamedOnce()
    {
        TinyFolders.SaveEncoder(_folder.Path);
        File.Delete(_folder["preprocessor_config.json"]);
        Assert.AreEqual(
            $"'{_folder.Path}' has no preprocessor_config.json, which says how large the pictures of this model are.",
            Assert.ThrowsExactly<FileNotFoundException>(() => ImageEncoder.Load(_folder.Path)).Message);
    }

    [TestMethod]
    public void ATowerOfGreyPictures()
    {
        TinyFolders.SaveEncoder(_folder.Path);
        Set("config.json", "num_channels", "1");
        string expected = $"'{_folder["config.json"]}': 'num_channels' is 1; it must be 3: pictures are given to the tower as red, green and blue.";
        Assert.AreEqual(expected, Refusal(() => ImageEncoder.Load(_folder.Path)));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(FromFolder()).Fit(TinyModels.Captions(_ml, 4))));
    }

    [TestMethod]
    [DataRow("hidden_size", null, "'hidden_size' is missing; it must be a whole number above zero.")]
    [DataRow("num_hidden_layers", "-1", "'num_hidden_layers' is -1; it must be a whole number above zero.")]
    [DataRow("mm_hidden_size", "-4", "'mm_hidden_size' is -4; it must be a whole number above zero.")]
    [DataRow("rope_scaling", "3", "'rope_scaling' is 3; it must be an object.")]
    [DataRow("rope_theta", "\"big\"", "'rope_theta' is \"big\"; it must be a number.")]
    [DataRow("num_key_value_heads", "3", "num_attention_heads (2) is no multiple of num_key_value_heads (3).")]
    [DataRow("eos_token_id", "[1,\"two\"]", "'eos_token_id' is [1,\"two\"]; it must be a list of whole numbers.")]
    public void AMetaMorphs(string key, string? value, string expected)
    {
        TinyFolders.SaveMetaMorph(_folder.Path);
        Set("config.json", key, value);
        expected = $"'{_folder["config.json"]}': {expected}";
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().GenerateResponse(_folder.Path).Fit(Rows())));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(_folder.Path).Fit(Rows())));
    }

    [TestMethod]
    [DataRow("eos_token", "3", "eos_token must be a string, but is 3.")]
    [DataRow("additional_special_tokens", "[7]", "additional_special_tokens[0] must be a string, but is 7.")]
    public void ATokenizers(string key, string value, string expected)
    {
        TinyFolders.SaveMetaMorph(_folder.Path);
        Set("tokenizer_config.json", key, value);
        Assert.AreEqual($"{_folder["tokenizer_config.json"]}: {expected}", Refusal(() => _ml.MetaMorph().GenerateResponse(_folder.Path).Fit(Rows())));
    }

    [TestMethod]
    public void AListIsNoConfiguration()
    {
        TinyFolders.SaveMetaMorph(_folder.Path);
        _folder.Write("tokenizer_config.json", "[1]");
        Assert.AreEqual($"{_folder["tokenizer_config.json"]}: the file must be an object, but is [1].", Refusal(() => _ml.MetaMorph().GenerateResponse(_folder.Path).Fit(Rows())));
        _folder.Write("config.json", "[1]");
        string expected = $"'{_folder["config.json"]}': [1] stands where a JSON object with 'mm_hidden_size' is expected.";
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().GenerateResponse(_folder.Path).Fit(Rows())));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(_folder.Path).Fit(Rows())));
        TinyFolders.SaveEncoder(_folder.Path);
        _folder.Write("preprocessor_config.json", "[1]");
        Assert.AreEqual($"{_folder["preprocessor_config.json"]}: a JSON object is needed, not Array.", Refusal(() => ImageEncoder.Load(_folder.Path)));
        _folder.Write("config.json", "[1]");
        Assert.AreEqual($"'{_folder["config.json"]}': [1] stands where a JSON object with 'model_type' is expected.", Refusal(() => ImageEncoder.Load(_folder.Path)));
        Assert.AreEqual(
            $"'{_folder["config.json"]}': [1] stands where a JSON object with 'vision_config' is expected.",
            Refusal(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(FromFolder()).Fit(TinyModels.Captions(_ml, 4))));
    }

    [TestMethod]
    public void AMetaMorphWithoutAVisionTowerGivesNoEncoder()
    {
        TinyFolders.SaveMetaMorph(_folder.Path);
        Assert.AreEqual($"'{_folder["config.json"]}': This MetaMorph has no 'vision_config': its pictures were encoded by another model. Load that one's folder.", Refusal(() => ImageEncoder.Load(_folder.Path)));
    }

    /// <summary>Sets an entry of a JSON file; null takes it away.</summary>
    private void Set(string file, string key, string? value)
    {
        JsonObject json = JsonNode.Parse(File.ReadAllText(_folder[file]))!.AsObject();
        if (value is null) json.Remove(key);
        else json[key] = JsonNode.Parse(value);
        _folder.Write(file, json.ToJsonString());
    }

    private LanguageImagePretrainingTrainer.Options FromFolder()
        => new() { PretrainedFolder = _folder.Path, Training = TinyModels.Encoder, TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 } };

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
