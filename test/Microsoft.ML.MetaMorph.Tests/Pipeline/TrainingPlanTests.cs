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

    /// <summary>The peak of a process that trains, against the plan of that training.</summary>
    [TestMethod]
    [DataRow("Float32", false, 2048)]
    [DataRow("Float32", true, 2048)]
    [DataRow("Float32", false, 512)]
    public void ThePeakIsNearTheEstimate(string precision, bool checkpointing, int budget)
    {
        if (!File.Exists("/proc/self/status")) Assert.Inconclusive("This system does not tell the peak of a process.");
        string[] lines = ChildProcess.Run("plan", "7M", precision, checkpointing.ToString(), budget.ToString(CultureInfo.InvariantCulture));
        double[] bytes = [.. lines[^1].Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
        Assert.AreEqual(1, bytes[0] / bytes[1], TrainingFootprint.Uncertainty, $"planned {bytes[0] / 1e6:F0} MB, was {bytes[1] / 1e6:F0} MB");
    }

    private IDataView Rows(int count) => _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(TuningCheckpointTests.Row).ToArray());
}
