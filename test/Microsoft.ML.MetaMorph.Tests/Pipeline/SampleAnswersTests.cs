using System.Text.Json;
using Microsoft.ML.Data;
using TorchSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Validation prompts that a training answers: the same with and without an interruption, and without a trace in the weights.</summary>
[TestClass]
public sealed class SampleAnswersTests : FolderTests
{
    private readonly MLContext _ml = new(seed: 4);
    private readonly List<string> _log = [];

    public SampleAnswersTests() => _ml.Log += (_, entry) => _log.Add(entry.RawMessage);

    [TestMethod]
    [DataRow(null)]
    [DataRow(0.9)]
    public void AnswersAreThoseOfTheModelAndLeaveTheWeightsAsTheyAre(double? averaging)
    {
        IDataView rows = Rows();
        Dictionary<string, torch.Tensor> without = Fit(0, Folder["without"], null, averaging: averaging), with = Fit(3, Folder["with"], null, averaging: averaging);
        CollectionAssert.AreEquivalent(without.Keys, with.Keys);
        foreach ((string name, torch.Tensor weight) in with) Assert.IsTrue(ToyTask.SameBits(without[name], weight), name);
        Assert.IsFalse(File.Exists(Folder["without/answers.jsonl"]));

        JsonElement[] lines = Lines("with");
        CollectionAssert.AreEqual(new[] { 2, 2, 2, 4, 4, 4, 6, 6, 6, 7, 7, 7 }, lines.Select(line => line.GetProperty("step").GetInt32()).ToArray());
        CollectionAssert.AreEqual(new[] { 0, 1, 2 }, lines[^3..].Select(line => line.GetProperty("row").GetInt32()).ToArray());
        CollectionAssert.AreEqual(new[] { "Say a word.", "Draw it.", "<image>What is it?" }, lines[^3..].Select(line => line.GetProperty("prompt").GetString()).ToArray());
        CollectionAssert.AreEqual(new[] { "yes", "Here: <image>", "a thing" }, lines[^3..].Select(line => line.GetProperty("expected").GetString()).ToArray());
        // What the model of the training answers when it is asked in the ordinary way.
        string[] answers = [.. _ml.Data.TakeRows(_last!.Transform(rows), 3).GetColumn<string>("PredictedResponse")];
        CollectionAssert.AreEqual(answers, lines[^3..].Select(line => line.GetProperty("answer").GetString()).ToArray());
        string answer = lines[^3].GetProperty("answer").GetString()!;
        Assert.HasCount(1, _log.Where(line => line.StartsWith($"Step 7, validation row 0: 'Say a word.' is answered '{answer}' (", StringComparison.Ordinal) && line.EndsWith("; the row says 'yes'.", StringComparison.Ordinal)).ToArray());
    }

    [TestMethod]
    public void ATrainingThatWasKilledGoesOnWithItsAnswers()
    {
        Fit(2, Folder["whole"], null);
        Assert.ThrowsExactly<TimeoutException>(() => Fit(2, Folder["parts"], Folder["run"], stop: 5));
        // Those of a step that is learned again.
        File.AppendAllText(Folder["parts/answers.jsonl"], "{\"step\":6,\"row\":0,\"prompt\":\"\",\"expected\":\"\",\"answer\":\"lost\",\"images\":0,\"finish\":\"EndToken\"}\n{\"step\":");
        Fit(2, Folder["parts"], Folder["run"]);
        CollectionAssert.AreEqual(File.ReadAllLines(Folder["whole/answers.jsonl"]), File.ReadAllLines(Folder["parts/answers.jsonl"]));
        Assert.HasCount(8, Lines("parts"));
    }

    [TestMethod]
    public void WithoutValidationRowsTheyAreRefused()
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.SampleAnswers = 2;
        TensorAssert.Throws<ArgumentException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(Rows()), "SampleAnswers is 2, but there are no validation rows. Give Fit validation rows, or leave the option out.");
        options.SampleAnswers = -1;
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options), "SampleAnswers is -1; at least 0 is needed.");
    }

    private MetaMorphTransformer? _last;

    private Dictionary<string, torch.Tensor> Fit(int samples, string log, string? checkpoints, int? stop = null, double? averaging = null)
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps: 7);
        options.Training = options.Training with { ValidationInterval = 2, AveragingDecay = averaging };
        (options.LogFolder, options.CheckpointFolder, options.CheckpointInterval, options.SampleAnswers) = (log, checkpoints, 2, samples);
        if (stop is { } at) options.Progress = new Receiver(status => { if (status.Step == at) throw new TimeoutException("The power is gone."); });
        _last?.Dispose();
        _last = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(Rows(), Rows());
        return TuningCheckpointTests.Copies(_last);
    }

    private IDataView Rows() => _ml.Data.Cache(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, 9).Select(TuningCheckpointTests.Row).ToArray()));

    private JsonElement[] Lines(string folder) => [.. File.ReadAllLines(Folder[$"{folder}/answers.jsonl"]).Select(line => JsonDocument.Parse(line).RootElement)];

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }
}
