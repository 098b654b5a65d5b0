using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Low-rank adapters in pipelines: trained, saved, loaded, merged, zipped.</summary>
[TestClass]
public sealed class LowRankPipelineTests : FolderTests
{
    private static readonly string[] Outputs = ["PredictedResponse", "ResponseVisualTokens", "LogProbabilities"];

    private readonly MLContext _ml = new(seed: 1);
    private readonly IDataView _rows;

    public LowRankPipelineTests() => _rows = EncodedRow.Rows(_ml, 8);

    [TestMethod]
    [DataRow(FrozenWeights.AsStored)]
    [DataRow(FrozenWeights.Int8)]
    public void ATrainedAdapterAnswersAlikeHoweverItIsKept(FrozenWeights frozen)
    {
        TinyFolders.SaveMetaMorph(Folder["base"]);
        Dictionary<string, float[]> stored = Floats(PlainSafeTensors.Read(Folder["base/model.safetensors"]));
        using MetaMorphTransformer trained = Train(frozen);
        Assert.IsTrue(trained.HasAdapter);
        List<object?[]> expected = Answers(trained);

        using (MetaMorphTransformer merged = trained.MergeAdapter())
        {
            Assert.IsFalse(merged.HasAdapter);
            ColumnValues.AssertEqual(expected, Answers(merged), 2e-4, "merged");
        }
        ColumnValues.AssertEqual(expected, Answers(trained), 0, "after the merged one was disposed");

        trained.SaveAsPretrained(Folder["whole"]);
        using (MetaMorphTransformer whole = Open(Folder["whole"])) ColumnValues.AssertEqual(expected, Answers(whole), 2e-4, "a folder of merged weights");

        _ml.Model.Save(trained, _rows.Schema, Folder["model.zip"]);
        using (var loaded = (MetaMorphTransformer)_ml.Model.Load(Folder["model.zip"], out _))
        {
            Assert.IsTrue(loaded.HasAdapter);
            ColumnValues.AssertEqual(expected, Answers(loaded), 1e-6, "zip");
        }

        // The frozen base of the folder is what it was, and the adapter alone makes of it what was trained.
        if (frozen == FrozenWeights.Int8) return;
        foreach ((string name, float[] values) in Floats(trained.Model.Parameters().ToDictionary()).Where(entry => entry.Key.StartsWith("model.layers.", StringComparison.Ordinal))) CollectionAssert.AreEqual(stored[name], values, name);
        trained.SaveAdapter(Folder["adapter"]);
        CollectionAssert.AreEquivalent(new[] { "adapter_config.json", "adapter_model.safetensors" }, Directory.GetFiles(Folder["adapter"]).Select(Path.GetFileName).ToArray());
        using MetaMorphTransformer plain = Open(Folder["base"]);
        using MetaMorphTransformer adapted = plain.LoadAdapter(Folder["adapter"]);
        Assert.IsFalse(plain.HasAdapter);
        ColumnValues.AssertEqual(expected, Answers(adapted), 1e-6, "base and adapter");
    }

    [TestMethod]
    public void AnEightBitBaseTakesAQuarterInTheZip()
    {
        TinyFolders.SaveMetaMorph(Folder["base"]);
        using MetaMorphTransformer trained = Train(FrozenWeights.Int8);
        var parameters = trained.Model.Parameters().ToDictionary();
        foreach (string name in parameters.Keys.Where(name => name.EndsWith("_proj.weight", StringComparison.Ordinal))) Assert.AreEqual(ScalarType.Int8, parameters[name].dtype, name);
        Assert.AreEqual(ScalarType.Float32, parameters["model.embed_tokens.weight"].dtype);
        // Folders are for everyone: weights in floating point, under the published names.
        trained.SaveAsPretrained(Folder["whole"]);
        Dictionary<string, Tensor> whole = PlainSafeTensors.Read(Folder["whole/model.safetensors"]);
        Assert.IsTrue(whole.Values.All(tensor => tensor.dtype == ScalarType.Float32));
        Assert.IsFalse(whole.Keys.Any(name => name.EndsWith("weight_scale", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void TrainingGoesOnWithTheAdapterOrWithMergedWeights()
    {
        TinyFolders.SaveMetaMorph(Folder["base"]);
        using MetaMorphTransformer first = Train(FrozenWeights.AsStored);
        List<object?[]> expected = Answers(first);
        var adapter = Floats(first.Model.AdapterParameters().ToDictionary());
        using (MetaMorphTransformer second = Trainer(options => options.Training = options.Training with { LearningRate = 1e-12 }).Fit(_rows, first))
        {
            ColumnValues.AssertEqual(expected, Answers(second), 1e-4, "the adapter is gone on from");
            foreach ((string name, float[] values) in Floats(second.Model.AdapterParameters().ToDictionary())) ColumnValues.AssertEqual([[adapter[name]]], [[values]], 1e-6, name);
        }
        using (MetaMorphTransformer full = Trainer(options => options.Training = options.Training with { LowRank = null, LearningRate = 1e-12 }).Fit(_rows, first))
        {
            Assert.IsFalse(full.HasAdapter);
            ColumnValues.AssertEqual(expected, Answers(full), 2e-4, "merged weights are gone on from");
        }
        ColumnValues.AssertEqual(expected, Answers(first), 0, "the first model");
        TensorAssert.Throws<InvalidOperationException>(() => Trainer(options => options.Training = options.Training with { LowRank = new LowRankOptions { Rank = 3 } }).Fit(_rows, first), "The model has a low-rank adapter of rank 2 ");
    }

    [TestMethod]
    public void ALanguageModelAloneIsAdapted()
    {
        TinyFolders.SaveLanguageModel(Folder["base"]);
        using MetaMorphTransformer trained = Train(FrozenWeights.AsStored);
        Assert.IsTrue(trained.HasAdapter);
        Assert.HasCount(8, Answers(trained));
        TensorAssert.Throws<ArgumentException>(
            () => Trainer(options =>
            {
                options.PretrainedFolder = Folder["base"];
                options.Training = options.Training with { LowRank = new LowRankOptions { ModulesToSave = ["vision_head"] } };
            }).Fit(_rows),
            "ModulesToSave is 'vision_head'; a language model gets a fresh projector and a fresh vision head, which have to learn in full: add mm_projector and vision_head.");
    }

    [TestMethod]
    public void OnlyWhatLearnsIsCountedFourTimes()
    {
        TinyFolders.SaveMetaMorph(Folder["base"]);
        Dictionary<string, Tensor> stored = PlainSafeTensors.Read(Folder["base/model.safetensors"]);
        bool Saved(string name) => name.StartsWith("model.mm_projector.", StringComparison.Ordinal) || name.StartsWith("vision_head.", StringComparison.Ordinal);
        long all = stored.Values.Sum(tensor => tensor.numel()) * 4, saved = stored.Where(entry => Saved(entry.Key)).Sum(entry => entry.Value.numel()) * 4;
        long adapter = stored.Where(entry => entry.Key.Contains("_proj.weight", StringComparison.Ordinal)).Sum(entry => 2 * (entry.Value.shape[0] + entry.Value.shape[1])) * 4;
        using var limit = new MemoryLimit("1000");
        string message = Assert.ThrowsExactly<InsufficientMemoryException>(() => Train(FrozenWeights.AsStored)).Message;
        StringAssert.StartsWith(message, $"'{Folder["base/model.safetensors"]}': training takes {Size(all + adapter + 3 * (saved + adapter))} of memory (");
        foreach (string part in new[] { $"adapter {Size(adapter)}", $"and {Size(3 * (saved + adapter))} besides)" }) StringAssert.Contains(message, part);
    }

    [TestMethod]
    public void WhatCannotBeSaysSo()
    {
        TinyFolders.SaveMetaMorph(Folder["base"]);
        using MetaMorphTransformer plain = Open(Folder["base"]);
        const string None = "The model has no low-rank adapter. One comes from training with VisualPredictiveTrainingOptions.LowRank, or from LoadAdapter.";
        Assert.AreEqual(None, Assert.ThrowsExactly<InvalidOperationException>(() => plain.SaveAdapter(Folder["adapter"])).Message);
        Assert.AreEqual(None, Assert.ThrowsExactly<InvalidOperationException>(() => plain.MergeAdapter()).Message);
        Assert.AreEqual($"'{Folder["none"]}' is no folder; an adapter is a folder with adapter_config.json and adapter_model.safetensors.", Assert.ThrowsExactly<DirectoryNotFoundException>(() => plain.LoadAdapter(Folder["none"])).Message);
        TensorAssert.Throws<FileNotFoundException>(() => plain.LoadAdapter(Folder["base"]), $"'{Folder["base"]}' has no adapter_config.json; is it a whole model, and no adapter?");
        using MetaMorphTransformer trained = Train(FrozenWeights.AsStored);
        trained.SaveAdapter(Folder["adapter"]);
        Assert.AreEqual(
            $"The model has a low-rank adapter already. Load '{Folder["adapter"]}' into the model that it was trained for, or merge the present adapter first (MergeAdapter).",
            Assert.ThrowsExactly<InvalidOperationException>(() => trained.LoadAdapter(Folder["adapter"])).Message);
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.Training = options.Training with { LowRank = new LowRankOptions() };
        Assert.AreEqual(
            "LowRank adapts a model that has learned already, and this one would start from nothing. Give PretrainedFolder, or Fit a previous model.",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(_rows)).Message);
    }

    [TestMethod]
    public void TheVectorizedEngineAsksForMergedWeights()
    {
        TinyFolders.SaveMetaMorph(Folder["base"]);
        using MetaMorphTransformer trained = Train(FrozenWeights.AsStored);
        Assert.AreEqual("the model has a low-rank adapter that is not merged into its weights (MergeAdapter)", VectorizedDecoder.Refusal(trained.Model.Model.Language, trained.Model.Model));
        using MetaMorphTransformer merged = trained.MergeAdapter();
        Assert.IsNull(VectorizedDecoder.Refusal(merged.Model.Model.Language, merged.Model.Model));
    }

    private static Dictionary<string, float[]> Floats(IReadOnlyDictionary<string, Tensor> tensors) => tensors.ToDictionary(entry => entry.Key, entry => entry.Value.detach().data<float>().ToArray());

    private static string Size(long bytes) => bytes >= 100_000
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{bytes / 1e6:N1} MB")
        : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{bytes:N0} bytes");

    private List<object?[]> Answers(MetaMorphTransformer model) => ColumnValues.Rows(model.Transform(_rows), Outputs);

    private MetaMorphTransformer Open(string folder) => _ml.MetaMorph().GenerateResponse(new GenerateResponseEstimator.Options
    {
        PretrainedFolder = folder,
        LogProbabilityColumnName = "LogProbabilities",
        Precision = Precision.Float32,
        Generation = new GenerationOptions { MaxNewTokens = 3 },
        GenerationBatchSize = 3,
    }).Fit(_rows);

    private MetaMorphTransformer Train(FrozenWeights frozen) => Trainer(options =>
    {
        options.PretrainedFolder = Folder["base"];
        options.Training = options.Training with { LowRank = options.Training.LowRank! with { FrozenWeights = frozen } };
    }).Fit(_rows);

    private VisualPredictiveInstructionTuningTrainer Trainer(Action<VisualPredictiveInstructionTuningTrainer.Options> change)
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps: 6);
        options.Architecture = null;
        options.TokenizerTraining = null;
        options.LogProbabilityColumnName = "LogProbabilities";
        options.Generation = new GenerationOptions { MaxNewTokens = 3 };
        options.Training = options.Training with { LearningRate = 2e-2, LowRank = new LowRankOptions { Rank = 2, Alpha = 4 } };
        change(options);
        return _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options);
    }
}
