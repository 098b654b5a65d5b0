using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What a training leaves for people: a line a step, the same for TensorBoard, and a record of the run.</summary>
[TestClass]
public sealed class RunFolderTests : FolderTests
{
    private readonly MLContext _ml = new(seed: 4);

    [TestMethod]
    public void EveryTrainerWritesItsFigures()
    {
        var trainings = new PictureTrainings(_ml);
        foreach (string trainer in PictureTrainings.Names)
        {
            var told = new List<TrainingStatus>();
            trainings.Fit(trainer, trainings.Shuffled(), new PictureTrainings.Run { Steps = 3, Log = Folder[trainer], Told = told.Add });
            AssertLines(told, Folder[trainer]);
            Assert.IsTrue(told.All(status => status.GradientNorm > 0), trainer);
            JsonElement run = Record(Folder[trainer]);
            Assert.AreEqual(("Completed", 3), (run.GetProperty("end").GetString(), run.GetProperty("steps").GetInt32()));
            Assert.AreEqual(trainer, run.GetProperty("options").GetProperty("Trainer").GetString());
        }
    }

    [TestMethod]
    public void ATrainingThatWasKilledGoesOnInTheSameFiles()
    {
        Fit(Folder["whole"], checkpoints: null);
        var told = new List<TrainingStatus>();
        Assert.ThrowsExactly<TimeoutException>(() => Fit(Folder["parts"], Folder["run"], status =>
        {
            told.Add(status);
            if (status.Step == 5) throw new TimeoutException("The power is gone.");
        }));
        JsonElement before = Record(Folder["parts"]);
        Assert.AreEqual((JsonValueKind.Null, 5, 0), (before.GetProperty("end").ValueKind, before.GetProperty("steps").GetInt32(), before.GetProperty("resumed_from").GetInt32()));
        told.RemoveAll(status => status.Step > 4);
        Fit(Folder["parts"], Folder["run"], told.Add);
        AssertLines(told, Folder["parts"]);

        string[][] whole = Lines(Folder["whole"]), parts = Lines(Folder["parts"]);
        CollectionAssert.AreEqual(new[] { "1", "2", "3", "4", "5", "6", "7" }, parts.Select(line => line[0]).ToArray());
        // All but how fast it was.
        for (int i = 0; i < whole.Length; i++) CollectionAssert.AreEqual(whole[i][..8], parts[i][..8]);
        JsonElement run = Record(Folder["parts"]);
        Assert.AreEqual(("Completed", 7, 4), (run.GetProperty("end").GetString(), run.GetProperty("steps").GetInt32(), run.GetProperty("resumed_from").GetInt32()));
        JsonElement options = run.GetProperty("options");
        Assert.AreEqual("4", options.GetProperty("Training.Seed").GetString());
        Assert.AreEqual("9", options.GetProperty("Number of rows").GetString());
        StringAssert.StartsWith(run.GetProperty("precision").GetString(), "Float32");
        foreach (string library in new[] { "Microsoft.ML.MetaMorph", "Microsoft.ML", "TorchSharp", "libtorch", ".NET" }) Assert.AreNotEqual("unknown", run.GetProperty("versions").GetProperty(library).GetString());
        Assert.AreEqual(told[^1].Loss, run.GetProperty("figures").GetProperty("loss").GetDouble());
        Assert.AreEqual(double.Parse(parts[6][3], CultureInfo.InvariantCulture), run.GetProperty("figures").GetProperty("loss").GetDouble());
        string events = Encoding.Latin1.GetString(Directory.GetFiles(Folder["parts"], "*tfevents*").SelectMany(path => File.ReadAllBytes(path)).ToArray());
        foreach (string tag in new[] { "train/loss", "train/gradient norm", "train/visual loss" }) StringAssert.Contains(events, tag);
    }

    /// <summary>A training without checkpoints, or another one, begins the file anew.</summary>
    [TestMethod]
    public void AnotherTrainingBeginsAnew()
    {
        Fit(Folder["log"], checkpoints: null);
        var told = new List<TrainingStatus>();
        Fit(Folder["log"], checkpoints: null, told.Add);
        AssertLines(told, Folder["log"]);
    }

    [TestMethod]
    [DataRow("de-DE")]
    public void NumbersAreInvariant(string culture)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        CultureInfo.CurrentCulture = new CultureInfo(culture);
        try
        {
            var status = new TrainingStatus(1200, null, 0.5, 2, 1.25, 1e-7, -0.1, 6.93e-5, 1234.5, TimeSpan.FromSeconds(90.5), 3.5) { GradientNorm = 0.3 };
            Assert.AreEqual("1200,2,0.5,1.25,1E-07,-0.1,6.93E-05,0.3,1234.5,90.5,3.5", RunFolder.Line(status));
            Assert.AreEqual("1200,2,0.5,1.25,1E-07,-0.1,6.93E-05,,1234.5,90.5,", RunFolder.Line(status with { GradientNorm = null, ValidationLoss = null }));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private void Fit(string log, string? checkpoints, Action<TrainingStatus>? told = null)
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps: 7);
        (options.LogFolder, options.CheckpointFolder, options.CheckpointInterval) = (log, checkpoints, 2);
        if (told is not null) options.Progress = new Receiver(told);
        IDataView rows = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(Enumerable.Range(0, 9).Select(TuningCheckpointTests.Row).ToArray()));
        _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(rows).Dispose();
    }

    private static void AssertLines(List<TrainingStatus> told, string folder)
        => CollectionAssert.AreEqual(told.Select(RunFolder.Line).Prepend(RunFolder.Header).ToArray(), File.ReadAllLines(Path.Combine(folder, "steps.csv")));

    private static string[][] Lines(string folder) => [.. File.ReadAllLines(Path.Combine(folder, "steps.csv")).Skip(1).Select(line => line.Split(','))];

    private static JsonElement Record(string folder) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "run.json"))).RootElement;

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }
}
