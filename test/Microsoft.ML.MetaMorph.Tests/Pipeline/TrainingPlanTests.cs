using System.Globalization;
using System.Text.Json;
using TorchSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A plan is held against what the training then is.</summary>
[TestClass]
public sealed class TrainingPlanTests : FolderTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly List<string> _log = [];

    public TrainingPlanTests() => _ml.Log += (_, entry) => _log.Add(entry.RawMessage);

    [TestMethod]
    [DataRow(VisualPredictiveStage.InstructionTuning, null, 3)]
    [DataRow(VisualPredictiveStage.ConnectorPretraining, 0.9, 4)]
    public void CountsAreThoseOfTheTraining(VisualPredictiveStage stage, double? averaging, int copies)
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.Architecture = TinyModels.Architecture with { LayerCount = 3 };
        options.Training = options.Training with { Stage = stage, AveragingDecay = averaging, MaximumSteps = null, Epochs = 2 };
        (options.CheckpointFolder, options.CheckpointCount) = (Folder["run"], 3);
        IDataView rows = Rows(10);
        VisualPredictiveInstructionTuningTrainer trainer = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options);
        TrainingPlan plan = trainer.Plan(rows);
        Assert.IsFalse(Directory.Exists(Folder["run"]));
        using MetaMorphTransformer model = trainer.Fit(rows);

        IReadOnlyList<KeyValuePair<string, torch.Tensor>> parameters = [.. model.Model.Parameters()];
        bool Learns(string name) => stage == VisualPredictiveStage.InstructionTuning || name.StartsWith("model.mm_projector.", StringComparison.Ordinal) || name.StartsWith("model.embed_tokens.", StringComparison.Ordinal);
        long learned = parameters.Where(entry => Learns(entry.Key)).Sum(entry => entry.Value.numel());
        Assert.AreEqual((learned, parameters.Sum(entry => entry.Value.numel()) - learned), (plan.TrainedParameters, plan.FrozenParameters));
        Assert.AreEqual(parameters.Where(entry => entry.Key.StartsWith("vision_head.", StringComparison.Ordinal)).Sum(entry => entry.Value.numel()), plan.Parts["vision head"]);
        Assert.AreEqual((10L, 6L), (plan.Rows, plan.Steps));

        // What the training itself wrote down.
        JsonElement end = JsonDocument.Parse(File.ReadAllBytes(Folder["run/finished-00000006/checkpoint.json"])).RootElement;
        Assert.AreEqual(end.GetProperty("items").GetInt64(), plan.Positions);
        Assert.AreEqual(4 * learned * copies, plan.CheckpointBytes);
        long names = end.GetProperty("state_bytes").GetInt64() - plan.CheckpointBytes;
        Assert.IsTrue(names is > 0 and < 50_000, $"{names}");
        Assert.AreEqual(4 * plan.CheckpointBytes, plan.CheckpointDisk);
        // All but what is available by then.
        string logged = _log.Single(line => line.StartsWith("The plan of this training:\n", StringComparison.Ordinal));
        CollectionAssert.AreEqual(plan.ToString().Split('\n')[..3], logged.Split('\n')[1..4]);
        StringAssert.StartsWith(plan.ToString(), string.Create(CultureInfo.InvariantCulture, $"{learned:N0} parameters learn, {plan.FrozenParameters:N0} do not ("));
        StringAssert.Contains(plan.ToString(), string.Create(CultureInfo.InvariantCulture, $"10 rows of {plan.MeanPositions:F1} positions on average, {plan.LongestRow:N0} at most (of the first 10); 6 steps, some {plan.Positions:N0} positions."));
    }

    [TestMethod]
    public void AStepIsTimedWhereItIsAskedFor()
    {
        VisualPredictiveInstructionTuningTrainer trainer = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(TinyModels.TrainerOptions());
        Assert.IsNull(trainer.Plan(Rows(6)).SecondsPerStep);
        TrainingPlan plan = trainer.Plan(Rows(6), measureStep: true);
        Assert.IsGreaterThan(0, plan.SecondsPerStep!.Value);
        StringAssert.Contains(plan.ToString(), "A step takes ");
    }

    /// <summary>Activations that are computed again are those of one layer: where there is one alone, that takes no less.</summary>
    [TestMethod]
    [DataRow(1, false)]
    [DataRow(3, true)]
    public void OptionsThatTakeLessAreNamed(int layers, bool recomputing)
    {
        using var limit = new MemoryLimit("1000");
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.Architecture = TinyModels.Architecture with { LayerCount = layers };
        options.Training = options.Training with { AveragingDecay = 0.9 };
        TrainingPlan plan = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Plan(Rows(40));
        Assert.AreEqual(1000, plan.AvailableMemory);
        foreach (string part in new[] { "The training may take some ", " of memory at its peak, but 0.0 MB are available. ", "AveragingDecay = null takes some " }) StringAssert.Contains(plan.Shortage, part);
        Assert.AreEqual(recomputing, plan.Shortage!.Contains("ActivationCheckpointing = true takes some ", StringComparison.Ordinal), plan.Shortage);
    }

    /// <summary>The peak of a process that trains, against the plan of that training, where few of it are holes, which differ from run to run; more sizes are in docs/performance.md.</summary>
    [TestMethod]
    public void ThePeakIsNearTheEstimate()
    {
        if (!File.Exists("/proc/self/status")) Assert.Inconclusive("This system does not tell the peak of a process.");
        string[] lines = ChildProcess.Run("plan", "30M", "Float32", "True", "512");
        double[] bytes = [.. lines[^1].Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
        Assert.AreEqual(1, bytes[0] / bytes[1], 0.15, $"planned {bytes[0] / 1e6:F0} MB, was {bytes[1] / 1e6:F0} MB");
        StringAssert.Contains(string.Join('\n', lines), "; it may be up to 15 % more or less.");
    }

    /// <summary>An adapter trains itself and what is saved with it; the frozen base is held as it is stored, or in eight bits.</summary>
    [TestMethod]
    [DataRow(FrozenWeights.AsStored)]
    [DataRow(FrozenWeights.Int8)]
    public void AnAdapterIsCountedAsItIsTrained(FrozenWeights frozen)
    {
        TinyFolders.SaveMetaMorph(Folder["base"]);
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        (options.PretrainedFolder, options.Architecture, options.TokenizerTraining) = (Folder["base"], null, null);
        options.Training = options.Training with { LowRank = new LowRankOptions { Rank = 3, FrozenWeights = frozen } };
        VisualPredictiveInstructionTuningTrainer trainer = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options);
        TrainingPlan plan = trainer.Plan(Rows(10));
        using MetaMorphTransformer model = trainer.Fit(Rows(10));

        KeyValuePair<string, torch.Tensor>[] adapter = [.. model.Model.AdapterParameters()], parameters = [.. model.Model.Parameters()];
        bool Saved(string name) => name.StartsWith("model.mm_projector.", StringComparison.Ordinal) || name.StartsWith("vision_head.", StringComparison.Ordinal);
        long learned = adapter.Sum(entry => entry.Value.numel()) + parameters.Where(entry => Saved(entry.Key)).Sum(entry => entry.Value.numel());
        Assert.AreEqual(learned, plan.TrainedParameters);
        Assert.AreEqual(adapter.Sum(entry => entry.Value.numel()), plan.Parts["low-rank adapter"]);
        Assert.AreEqual(parameters.Where(entry => !Saved(entry.Key) && !entry.Key.EndsWith("_scale", StringComparison.Ordinal)).Sum(entry => entry.Value.numel()), plan.FrozenParameters);
        Assert.AreEqual(adapter.Concat(parameters).Sum(entry => entry.Value.numel() * entry.Value.element_size()), plan.Memory["weights"]);
        Assert.AreEqual((4 * learned, 8 * learned, 12 * learned), (plan.Memory["gradients"], plan.Memory["moments"], plan.CheckpointBytes));
    }

    /// <summary>What full training needs is not there; an adapter beside a base of eight bits fits, and is named with what it takes.</summary>
    [TestMethod]
    public void ATrainingThatCannotBeIsRefusedWithThoseThatFit()
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(["Which colour? red"], new BytePairTrainingOptions { VocabularySize = 280 });
        var architecture = new LanguageModelArchitecture { HiddenSize = 1024, IntermediateSize = 4096, LayerCount = 24, HeadCount = 8, KeyValueHeadCount = 8 };
        (MetaMorphConfig config, ConversationText text) = TrainableModel.Describe(architecture, tokenizer, new VisualTokenSizes(4, 8));
        var start = new TrainingStart(config, text, "The model", IsTrained: true, _ => torch.ScalarType.BFloat16);
        VisualPredictiveTrainingOptions options = TinyModels.TrainerOptions().Training with { BatchSize = 4 };
        TrainingPlan Plan(VisualPredictiveTrainingOptions wanted) => TrainingPlan.Of(start, wanted, new VisualPredictiveInstructionTuningTrainer.Options(), new ConversationLengths([100, 90, 80, 70]), 4, torch.CPU);
        long small = Plan(options with { LowRank = new LowRankOptions { FrozenWeights = FrozenWeights.Int8 } }).PeakMemory, stored = Plan(options with { LowRank = new LowRankOptions() }).PeakMemory;
        Assert.IsLessThan(stored, small);

        using var limit = new MemoryLimit((small + 1).ToString(CultureInfo.InvariantCulture));
        string message = Assert.ThrowsExactly<InsufficientMemoryException>(Plan(options).RequireMemory).Message;
        long weights = 4 * Plan(options).TrainedParameters;
        StringAssert.StartsWith(message, $"The model: training takes {TrainingPlan.Size(4 * weights)} of memory (language model ");
        StringAssert.EndsWith(message, $" and {TrainingPlan.Size(3 * weights)} besides), but {TrainingPlan.Size(small + 1)} are available. These fit: LowRank with FrozenWeights = Int8 takes some {TrainingPlan.Size(small)}. Or choose a smaller model, or free memory.");
        // A start that has learned nothing can have no adapter.
        start = start with { IsTrained = false };
        StringAssert.EndsWith(Assert.ThrowsExactly<InsufficientMemoryException>(Plan(options).RequireMemory).Message, " are available. Choose a smaller model or smaller sizes, or free memory.");
    }

    private IDataView Rows(int count) => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(TuningCheckpointTests.Row).ToArray());
}
