using System.Text.Json.Nodes;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Training and answering from folders in Hugging Face layout.</summary>
[TestClass]
public sealed class PretrainedStartTests : FolderTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void ALanguageModelGetsTwoTokensAProjectorAndAHead(bool tied)
    {
        Dictionary<string, float[]> language = SaveLanguageModel(tied);
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps: 1);
        options.PretrainedFolder = Folder.Path;
        options.TokenizerTraining = null;
        options.Training = options.Training with { LearningRate = 1e-12 };
        using MetaMorphTransformer model = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(Rows());
        var weights = model.Model.Parameters().ToDictionary(entry => entry.Key, entry => TensorMemory.Span<float>(entry.Value).ToArray());
        foreach (string table in language.Keys.Where(name => name is "model.embed_tokens.weight" or "lm_head.weight"))
        {
            float[] old = language[table], grown = weights[table];
            Assert.AreEqual(old.Length + 2 * 16, grown.Length, table);
            for (int i = 0; i < old.Length; i++) Assert.AreEqual(old[i], grown[i], 1e-6, table);
            for (int i = 0; i < 32; i++) Assert.AreEqual(Enumerable.Range(0, old.Length / 16).Average(row => old[row * 16 + i % 16]), grown[old.Length + i], 1e-6, table);
        }

        foreach ((string name, float[] values) in language.Where(entry => entry.Key.StartsWith("model.layers.")))
            ColumnValues.AssertEqual([[values]], [[weights[name]]], 1e-6, name);
        Assert.IsTrue(weights.ContainsKey("model.mm_projector.0.weight") && weights.ContainsKey("vision_head.0.weight"));
        Assert.IsNotNull(model.Tokenizer.TokenId("<image_start>"));
        Assert.HasCount(4, ColumnValues.Rows(model.Transform(Rows()), ["PredictedResponse"]));
    }

    [TestMethod]
    public void AMetaMorphGoesOnFromItsFolder()
    {
        using (MetaMorphTransformer first = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(TinyModels.TrainerOptions()).Fit(Rows())) first.SaveAsPretrained(Folder.Path, bfloat16: true);
        using MetaMorphTransformer second = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Folder.Path).Fit(Rows());
        Assert.AreEqual(4, second.VisualTokenCount);
        // The folder is free while the model lives.
        second.SaveAsPretrained(Folder.Path);
    }

    [TestMethod]
    public void AForgottenShardIsAnErrorAndNotARandomLayer()
    {
        SaveLanguageModel(tied: true, leaveOut: "model.layers.0.mlp.up_proj.weight");
        StringAssert.Contains(Assert.Throws<InvalidDataException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Folder.Path).Fit(Rows())).Message, "model.layers.0.mlp.up_proj.weight");
    }

    [TestMethod]
    public void WeightsOfAnotherShapeAreNamedWithBothShapes()
    {
        SaveLanguageModel(tied: true);
        JsonObject config = JsonNode.Parse(File.ReadAllText(Folder["config.json"]))!.AsObject();
        config["intermediate_size"] = 48;
        File.WriteAllText(Folder["config.json"], config.ToJsonString());
        string message = Assert.Throws<InvalidDataException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Folder.Path).Fit(Rows())).Message;
        foreach (string part in new[] { "model.safetensors", "[32, 16]", "[48, 16]" }) StringAssert.Contains(message, part);
    }

    [TestMethod]
    public void ALanguageModelAloneCannotAnswer()
    {
        SaveLanguageModel(tied: true);
        Assert.AreEqual($"'{Folder.Path}' is no MetaMorph: its config.json names no mm_hidden_size. A language model alone becomes one by training (Trainers.VisualPredictiveInstructionTuning).", Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().GenerateResponse(Folder.Path).Fit(Rows())).Message);
    }

    [TestMethod]
    [DataRow("{% if %}", "The option ChatTemplate, line 1: the chat template failed with ")]
    [DataRow("{{ raise_exception('never') }}", "A conversation of one turn: The option ChatTemplate, line 1: the chat template failed with TemplateError: never")]
    [DataRow("{{ messages | length }}", "The option ChatTemplate: A conversation of one turn, message 1: the chat template does not let the assistant's text be found, so that it cannot be learned: ")]
    public void ATemplateThatIsAnOptionIsNamedAsSuch(string template, string expected)
    {
        using var folder = new ScratchFolder();
        TinyFolders.SaveMetaMorph(folder.Path);
        var options = new GenerateResponseEstimator.Options { PretrainedFolder = folder.Path, VisualTokensColumnName = null, ChatTemplate = template };
        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().GenerateResponse(options).Fit(EncodedRow.Rows(_ml, 1))).Message;
        StringAssert.StartsWith(message, expected);
        Assert.IsFalse(message.Contains(".jinja", StringComparison.Ordinal), message);
        // The same template as a file of the folder: the file is named.
        File.WriteAllText(folder["chat_template.jinja"], template);
        options.ChatTemplate = null;
        Assert.AreEqual(
            message.Replace("The option ChatTemplate", folder["chat_template.jinja"]),
            Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().GenerateResponse(options).Fit(EncodedRow.Rows(_ml, 1))).Message);
    }

    [TestMethod]
    public void ATokenizerWithoutAChatTemplateSaysSo()
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280, ChatTemplate = null };
        InvalidDataException failure = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(Rows()));
        Assert.AreEqual("The tokenizer in the trained tokenizer has no chat template: no chat_template.jinja and no 'chat_template' in tokenizer_config.json. Put the model's template there as chat_template.jinja, or take the tokenizer of the model's instruct version.", failure.Message);
        Assert.IsInstanceOfType<ChatTemplateException>(failure.InnerException);
        options.ChatTemplate = BytePairTrainingOptions.DefaultChatTemplate;
        using MetaMorphTransformer model = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(Rows());
        model.SaveAsPretrained(Folder.Path);
        using MetaMorphTransformer loaded = _ml.MetaMorph().GenerateResponse(Folder.Path).Fit(Rows());
    }

    [TestMethod]
    public void APublishedEncoderIsTrainedFurther()
    {
        using (EncodeImagesTransformer first = TinyModels.TrainEncoder(_ml))
        using (ImageEncoder encoder = first.Encoder) encoder.Save(Folder.Path);
        IDataView data = TinyModels.Captions(_ml, 8);
        LanguageImagePretrainingTrainer.Options options = new()
        {
            PretrainedFolder = Folder.Path,
            Training = TinyModels.Encoder with { LearningRate = 1e-12 },
            TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 },
        };
        using EncodeImagesTransformer trained = _ml.MetaMorph().Trainers.LanguageImagePretraining(options).Fit(data, TinyModels.Captions(_ml, 4));
        using ImageEncoder stored = ImageEncoder.Load(Folder.Path, new ImageEncoderOptions { Precision = Precision.Float32 });
        using EncodeImagesTransformer before = _ml.MetaMorph().EncodeImages("VisualTokens", "Image", stored).Fit(data);
        ColumnValues.AssertEqual(ColumnValues.Rows(before.Transform(data), ["VisualTokens"]), ColumnValues.Rows(trained.Transform(data), ["VisualTokens"]), 1e-4, "an unnoticeable rate changes nothing");
    }

    [TestMethod]
    public void CancellationOfTheContextIsHeard()
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps: 50);
        var ml = new MLContext(seed: 1);
        int steps = 0;
        options.Progress = new Receiver(_ =>
        {
            if (++steps == 3) typeof(MLContext).GetMethod("CancelExecution", System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!.Invoke(ml, null);
        });
        Assert.Throws<OperationCanceledException>(() => ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(Rows()));
        Assert.AreEqual(4, steps);
    }

    [TestMethod]
    public void TheLogTellsStepsPrecisionAndValidation()
    {
        var log = new List<string>();
        var ml = new MLContext(seed: 1);
        ml.Log += (_, entry) => log.Add(entry.RawMessage);
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps: 4);
        options.Training = options.Training with { ValidationInterval = 2 };
        var seen = new List<TrainingStatus>();
        options.Progress = new Receiver(seen.Add);
        using MetaMorphTransformer model = ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(Rows(), Rows());
        foreach (string part in new[] { "step 1/4", "step 4/4", "Float32", "validation: language", "Completed after 4 steps", "A tokenizer of" })
            Assert.IsTrue(log.Any(line => line.Contains(part)), part);
        CollectionAssert.AreEqual(new[] { false, true, false, true }, seen.Select(status => status.ValidationLoss is not null).ToArray());
    }

    /// <summary>Writes a small language model whose tokenizer knows no images, and gives its weights.</summary>
    private Dictionary<string, float[]> SaveLanguageModel(bool tied, string? leaveOut = null)
    {
        var training = new BytePairTrainingOptions { VocabularySize = 280 };
        training.SpecialTokens = [.. training.SpecialTokens.Where(token => !token.Contains("image"))];
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(["Which colour? red", "Draw a green square."], training);
        LanguageModelConfig config = (TinyModels.Architecture with { TieWordEmbeddings = tied }).ToConfig(tokenizer);
        using var generator = new Generator(7, CPU);
        using var model = new CausalLanguageModel(config, new FreshParameters(CPU, generator));
        tokenizer.Save(Folder.Path);
        File.WriteAllBytes(Folder["config.json"], JsonFile.Bytes(config.Write));
        KeyValuePair<string, Tensor>[] parameters = [.. model.named_parameters().Where(entry => entry.name != leaveOut).Select(entry => KeyValuePair.Create(entry.name, (Tensor)entry.parameter))];
        SafeTensorsWriter.WriteSharded(Folder.Path, parameters);
        return parameters.ToDictionary(entry => entry.Key, entry => TensorMemory.Span<float>(entry.Value).ToArray());
    }

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 4).Select(i => new Row { Prompt = "<image>Which colour?", Response = i % 2 == 0 ? "red" : "<image>", VisualTokens = [.. Enumerable.Repeat(0.35f, i % 2 == 0 ? 32 : 64)] }).ToArray());

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }

    private sealed class Row
    {
        public string Prompt { get; set; } = "";

        public string Response { get; set; } = "";

        [VectorType(0, 4, 8)]
        public float[] VisualTokens { get; set; } = [];
    }
}
