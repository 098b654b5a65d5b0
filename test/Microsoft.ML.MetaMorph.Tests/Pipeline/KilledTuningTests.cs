using System.Globalization;
using TorchSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A process that trains is killed (SIGKILL), most likely while it writes a checkpoint or learns, and started again until it comes to its end.</summary>
[TestClass]
public sealed class KilledTuningTests : FolderTests
{
    private const int Steps = 30;

    /// <summary>Of an adapter, with dropout and a base of eight bits, too.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void EndsWithTheFileOfOneThatWasNotKilled(bool adapter)
    {
        if (adapter) TinyFolders.SaveMetaMorph(Folder["base"]);
        string start = adapter ? Folder["base"] : "";
        string[] whole = ChildProcess.Run("tune", Folder["whole"], Folder["whole.safetensors"], start);
        CollectionAssert.AreEqual(Enumerable.Range(1, Steps).Select(Line).ToArray(), whole);
        int last = 0;
        foreach (int kill in new[] { 1, 3, 2 })
        {
            int seen = 0;
            int[] steps = Numbers(ChildProcess.Run(_ => ++seen == kill, "tune", Folder["killed"], Folder["killed.safetensors"], start));
            AssertGoOn(last, steps);
            last = steps[^1];
            Assert.IsFalse(File.Exists(Folder["killed.safetensors"]));
        }

        int[] end = Numbers(ChildProcess.Run("tune", Folder["killed"], Folder["killed.safetensors"], start));
        AssertGoOn(last, end);
        Assert.AreEqual(Steps, end[^1]);
        CollectionAssert.AreEqual(File.ReadAllBytes(Folder["whole.safetensors"]), File.ReadAllBytes(Folder["killed.safetensors"]));
    }

    /// <summary>A step is told when its checkpoint is there, so none that was told is made again; one that was written, but not told any more, is not either.</summary>
    private static void AssertGoOn(int last, int[] steps)
    {
        Assert.IsTrue(steps[0] - last is 1 or 2, $"{steps[0]} behind {last}");
        CollectionAssert.AreEqual(Enumerable.Range(steps[0], steps.Length).ToArray(), steps);
    }

    /// <summary>The child: trains a tiny model, tells every step, and writes the weights.</summary>
    internal static void Tune(string checkpoints, string result, string start)
    {
        var ml = new MLContext(seed: 1);
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(Steps);
        if (start.Length > 0)
        {
            (options.PretrainedFolder, options.Architecture, options.TokenizerTraining) = (start, null, null);
            options.Training = options.Training with { LearningRate = 2e-2, LowRank = new LowRankOptions { Rank = 2, Dropout = 0.3, FrozenWeights = FrozenWeights.Int8 } };
        }

        (options.CheckpointFolder, options.CheckpointInterval, options.Progress) = (checkpoints, 1, new Teller());
        IDataView rows = ml.Data.Cache(ml.Data.LoadFromEnumerable(Enumerable.Range(0, 10).Select(TuningCheckpointTests.Row)));
        using MetaMorphTransformer model = ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(rows);
        Dictionary<string, torch.Tensor> weights = TuningCheckpointTests.Copies(model);
        foreach ((string name, torch.Tensor tensor) in model.Model.AdapterParameters()) weights[name] = tensor.detach().clone();
        // 0 where nothing was learned.
        if (start.Length > 0 && weights.Where(entry => entry.Key.EndsWith("lora_B.weight", StringComparison.Ordinal)).Any(entry => entry.Value.abs().max().item<float>() == 0)) throw new InvalidOperationException("An adapter did not learn.");
        using FileStream file = File.Create(result);
        SafeTensorsWriter.Write(file, weights.OrderBy(entry => entry.Key, StringComparer.Ordinal));
    }

    private static int[] Numbers(string[] lines) => [.. lines.Select(line => int.Parse(line["step ".Length..], CultureInfo.InvariantCulture))];

    private static string Line(int step) => string.Create(CultureInfo.InvariantCulture, $"step {step}");

    private sealed class Teller : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => Console.WriteLine(Line((int)value.Step));
    }
}
