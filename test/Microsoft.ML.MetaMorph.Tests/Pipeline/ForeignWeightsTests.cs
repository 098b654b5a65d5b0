using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Weights that a model would leave unread are an error when it is opened, but for those that published checkpoints carry along.</summary>
[TestClass]
public sealed class ForeignWeightsTests : FolderTests
{
    // What a MetaMorph of the released layout, or an old Llama, holds beside its language model.
    private static readonly string[] Published =
    [
        "model.vision_tower.vision_tower.vision_model.embeddings.patch_embedding.weight", "model.vision_tower.vision_tower.vision_model.head.probe",
        "model.vision_proj.weight", "model.layers.0.self_attn.rotary_emb.inv_freq", "model.rotary_emb.inv_freq", "lm_head.weight",
    ];

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void AMetaMorphNamesTheFirstTenTheirNumberAndTheFile()
    {
        int used = TinyFolders.SaveMetaMorph(Folder.Path, [.. Enumerable.Range(0, 12).Select(i => $"adapter.{i:D2}.weight")]);
        string expected = $"'{WeightsFile}': the model uses {used} tensors and leaves 12 unread: {string.Join(", ", Enumerable.Range(0, 10).Select(i => $"adapter.{i:D2}.weight"))} and 2 more. The weights and the configuration do not belong together.";
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().GenerateResponse(Folder.Path).Fit(Rows())));
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Folder.Path).Fit(Rows())));
    }

    [TestMethod]
    public void AMetaMorphMayHoldWhatPublishedOnesDo()
    {
        TinyFolders.SaveMetaMorph(Folder.Path, Published);
        using MetaMorphTransformer answering = _ml.MetaMorph().GenerateResponse(Folder.Path).Fit(Rows());
        Assert.AreEqual(4, answering.VisualTokenCount);
        using MetaMorphTransformer trained = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(OneStep()).Fit(Rows());
        Assert.AreEqual(8, trained.VisualTokenWidth);
    }

    [TestMethod]
    public void ALanguageModelWithALayerMoreThanItsConfigurationIsRefused()
    {
        int used = TinyFolders.SaveLanguageModel(Folder.Path, "model.layers.1.mlp.up_proj.weight", "lm_head.weight");
        Assert.AreEqual(
            $"'{WeightsFile}': the model uses {used} tensors and leaves 1 unread: model.layers.1.mlp.up_proj.weight. The weights and the configuration do not belong together.",
            Refusal(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Folder.Path).Fit(Rows())));
    }

    [TestMethod]
    public void AnOutputMatrixThatTheConfigurationSharesIsNoForeignWeightAndAnyOtherIs()
    {
        TinyFolders.SaveLanguageModel(Folder.Path, "lm_head.weight");
        using (MetaMorphTransformer trained = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(OneStep()).Fit(Rows())) Assert.AreEqual(4, trained.VisualTokenCount);
        int used = TinyFolders.SaveLanguageModel(Folder.Path, "lm_head.bias");
        Assert.AreEqual(
            $"'{WeightsFile}': the model uses {used} tensors and leaves 1 unread: lm_head.bias. The weights and the configuration do not belong together.",
            Refusal(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Folder.Path).Fit(Rows())));
    }

    [TestMethod]
    public void AnEncoderMayBeAWholeSiglip()
    {
        TinyFolders.SaveEncoder(Folder.Path, "text_model.final_layer_norm.weight", "text_model.head.weight", "logit_scale", "logit_bias", "vision_model.head.probe", "vision_model.embeddings.position_ids");
        using ImageEncoder encoder = ImageEncoder.Load(Folder.Path);
        Assert.AreEqual(8, encoder.VisualTokenWidth);
    }

    [TestMethod]
    public void AnEncoderWithABlockMoreThanItsConfigurationIsRefused()
    {
        int used = TinyFolders.SaveEncoder(Folder.Path, "text_model.head.weight", "vision_model.encoder.layers.1.mlp.fc1.bias", "classifier.weight");
        string expected = $"'{WeightsFile}': the model uses {used} tensors and leaves 2 unread: classifier.weight, vision_model.encoder.layers.1.mlp.fc1.bias. The weights and the configuration do not belong together.";
        Assert.AreEqual(expected, Refusal(() => ImageEncoder.Load(Folder.Path)));
        var options = new LanguageImagePretrainingTrainer.Options { PretrainedFolder = Folder.Path, Training = TinyModels.Encoder, TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 } };
        Assert.AreEqual(expected, Refusal(() => _ml.MetaMorph().Trainers.LanguageImagePretraining(options).Fit(TinyModels.Captions(_ml, 4))));
    }

    [TestMethod]
    public void AnEncodersWeightsOfAnotherShapeAreRefusedWhenItIsOpened()
    {
        TinyFolders.SaveEncoder(Folder.Path);
        File.WriteAllText(Folder["config.json"], File.ReadAllText(Folder["config.json"]).Replace("\"intermediate_size\": 32", "\"intermediate_size\": 48"));
        Assert.AreEqual(
            $"'{WeightsFile}': tensor 'vision_model.encoder.layers.0.mlp.fc1.weight' has the shape [32, 8], the model needs [48, 8]. The weights and the configuration do not belong together.",
            Refusal(() => ImageEncoder.Load(Folder.Path)));
        // The file was let go.
        File.Delete(WeightsFile);
    }

    private VisualPredictiveInstructionTuningTrainer.Options OneStep()
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps: 1);
        options.PretrainedFolder = Folder.Path;
        options.TokenizerTraining = null;
        return options;
    }

    private static string Refusal(Func<IDisposable> open) => Assert.ThrowsExactly<InvalidDataException>(() => open().Dispose()).Message;

    private IDataView Rows() => _ml.Data.LoadFromEnumerable([new Row()]);

    private sealed class Row
    {
        public string Prompt { get; set; } = "<image>Which colour?";

        public string Response { get; set; } = "red";

        [VectorType(0, 4, 8)]
        public float[] VisualTokens { get; set; } = [.. Enumerable.Repeat(0.35f, 32)];
    }
}
