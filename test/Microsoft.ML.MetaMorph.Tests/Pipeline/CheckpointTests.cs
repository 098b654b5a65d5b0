using System.Text;
using Microsoft.ML.Data;
using TorchSharp;
using static Microsoft.ML.MetaMorph.Tests.PictureTrainings;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A training that was killed and goes on from its folder is the one that was never stopped, bit for bit.</summary>
[TestClass]
public sealed class CheckpointTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly PictureTrainings _trainings;
    private readonly List<string> _log = [];

    public CheckpointTests()
    {
        _trainings = new PictureTrainings(_ml);
        _ml.Log += (_, entry) => _log.Add(entry.RawMessage);
    }

    public static IEnumerable<object[]> Trainings => Names.Concat(Towers).SelectMany(name => new object[][] { [name, false], [name, true] });

    [ClassInitialize]
    public static void BeginOneThread(TestContext _) => OneThread.Begin();

    [ClassCleanup]
    public static void EndOneThread() => OneThread.End();

    /// <summary>Killed twice where it is said, once behind the first epoch: by what hears of a step, which ends it like a power cut.</summary>
    [TestMethod]
    [DynamicData(nameof(Trainings))]
    public void KilledBetweenTwoCheckpoints(string trainer, bool averaging)
    {
        using var folder = new ScratchFolder();
        var run = new Run { Averaging = averaging ? 0.9 : null };
        Dictionary<string, torch.Tensor> whole = _trainings.Fit(trainer, _trainings.Shuffled(), run);
        var steps = new List<long>();
        foreach (int kill in new[] { 3, 7 })
        {
            Assert.ThrowsExactly<TimeoutException>(() => _trainings.Fit(trainer, _trainings.Shuffled(), run with
            {
                Folder = folder.Path,
                Told = status =>
                {
                    steps.Add(status.Step);
                    if (status.Step == kill) throw new TimeoutException("The power is gone.");
                },
            }));
        }

        Assert.IsFalse(steps.Contains(8));
        CollectionAssert.AreEqual(new long[] { 1, 2, 3, 3, 4, 5, 6, 7 }, steps);
        AssertSame(whole, _trainings.Fit(trainer, _trainings.Shuffled(), run with { Folder = folder.Path, Told = status => steps.Add(status.Step) }));
        CollectionAssert.AreEqual(new long[] { 7, 8, 9 }, steps[^3..]);
        Assert.Contains($"The training goes on from step 2 ('{folder["step-00000002"]}').", _log);
        Assert.Contains($"The training goes on from step 6 ('{folder["step-00000006"]}').", _log);
        CollectionAssert.AreEqual(new[] { "finished-00000009", "step-00000008" }, Folders(folder));
    }

    /// <summary>At every step in turn.</summary>
    [TestMethod]
    [DynamicData(nameof(Trainings))]
    public void CancelledAtAnyStep(string trainer, bool averaging)
    {
        var run = new Run { Averaging = averaging ? 0.9 : null, Interval = 100, Steps = 6 };
        Dictionary<string, torch.Tensor> whole = _trainings.Fit(trainer, _trainings.Shuffled(), run);
        using var folder = new ScratchFolder();
        for (int at = 1; at < 6; at++)
        {
            using var stop = new CancellationTokenSource();
            var steps = new List<long>();
            Run until = run with
            {
                Folder = folder.Path,
                Stop = stop.Token,
                Told = status =>
                {
                    steps.Add(status.Step);
                    stop.Cancel();
                },
            };
            Assert.ThrowsExactly<OperationCanceledException>(() => _trainings.Fit(trainer, _trainings.Shuffled(), until));
            CollectionAssert.AreEqual(new long[] { at }, steps);
        }

        AssertSame(whole, _trainings.Fit(trainer, _trainings.Shuffled(), run with { Folder = folder.Path }));
    }

    /// <summary>The rows end with an error, wherever in an epoch, in a batch or in a row of two pictures that is.</summary>
    [TestMethod]
    [DynamicData(nameof(Trainings))]
    public void TheSourceFails(string trainer, bool averaging)
    {
        var run = new Run { Averaging = averaging ? 0.9 : null, Interval = 1, Steps = 6 };
        Dictionary<string, torch.Tensor> whole = _trainings.Fit(trainer, _trainings.Failing(int.MaxValue), run);
        var random = new Random(5);
        for (int trial = 0; trial < 3; trial++)
        {
            using var folder = new ScratchFolder();
            // The encoder reads all captions before its first step.
            int after = (trainer == "LanguageImagePretraining" ? Count : 0) + random.Next(4, 12);
            Assert.Throws<Exception>(() => _trainings.Fit(trainer, _trainings.Failing(after), run with { Folder = folder.Path }));
            Assert.IsNotEmpty(Folders(folder), $"after {after} rows");
            AssertSame(whole, _trainings.Fit(trainer, _trainings.Failing(int.MaxValue), run with { Folder = folder.Path }));
        }
    }

    [TestMethod]
    [DynamicData(nameof(Trainings))]
    public void AFinishedTrainingIsThereAtOnce(string trainer, bool averaging)
    {
        using var folder = new ScratchFolder();
        var run = new Run { Folder = folder.Path, Averaging = averaging ? 0.9 : null, Steps = 3, Count = 1 };
        Dictionary<string, torch.Tensor> first = _trainings.Fit(trainer, _trainings.Shuffled(), run);
        CollectionAssert.AreEqual(new[] { "finished-00000003" }, Folders(folder));
        AssertSame(first, _trainings.Fit(trainer, _trainings.Shuffled(), run with { Told = _ => Assert.Fail("a step") }));
        Assert.Contains($"The training was finished before (Completed after 3 steps): its weights are those of '{folder["finished-00000003"]}', and nothing is trained. Give another CheckpointFolder to train anew.", _log);
    }

    /// <summary>Disks forget: the one before is gone on from, and the end is the same. The third damage is one that could be read as another option.</summary>
    [TestMethod]
    [DataRow("state.safetensors", "\"exp_avg.", "\"exp_bvg.")]
    [DataRow("state.safetensors", null, null)]
    [DataRow("checkpoint.json", "\"Training.LearningRate\": \"0.01\"", "\"Training.LearningRate\": \"0.02\"")]
    [DataRow("checkpoint.json", "\"version\": 1", "\"version\": 3")]
    public void ADamagedOneIsPassedOver(string file, string? written, string? found)
    {
        using var folder = new ScratchFolder();
        var run = new Run();
        Dictionary<string, torch.Tensor> whole = _trainings.Fit("Autoencoder", _trainings.Shuffled(), run);
        Assert.ThrowsExactly<TimeoutException>(() => _trainings.Fit("Autoencoder", _trainings.Shuffled(), run with { Folder = folder.Path, Told = status => { if (status.Step == 7) throw new TimeoutException("The power is gone."); } }));
        Damage(folder[$"step-00000006/{file}"], written, found);
        AssertSame(whole, _trainings.Fit("Autoencoder", _trainings.Shuffled(), run with { Folder = folder.Path }));
        string told = _log.Single(line => line.Contains("is not whole"));
        StringAssert.StartsWith(told, $"The checkpoint '{folder["step-00000006"]}' is not whole and is passed over: ");
        StringAssert.Contains(told, file);
        StringAssert.Contains(told, " has the checksum ");
        Assert.Contains($"The training goes on from step 4 ('{folder["step-00000004"]}').", _log);
    }

    [TestMethod]
    public void OtherOptionsAreRefusedInOneMessage()
    {
        using var folder = new ScratchFolder();
        var run = new Run { Folder = folder.Path, Steps = 2 };
        foreach (string trainer in Names)
        {
            string own = folder[trainer], place = Path.Combine(own, "finished-00000002");
            _trainings.Fit(trainer, _trainings.Shuffled(), run with { Folder = own });
            Assert.AreEqual(
                $"'{place}' is a checkpoint of another training: Training.LearningRate is 0.01 there and 0.02 here. Fit as it was begun, or give another CheckpointFolder.",
                Assert.ThrowsExactly<InvalidDataException>(() => _trainings.Fit(trainer, _trainings.Shuffled(), run with { Folder = own, LearningRate = 0.02 })).Message);
            Assert.AreEqual(
                $"'{place}' is a checkpoint of another training: Training.AveragingDecay is null there and 0.9 here; Training.MaximumSteps is 2 there and 3 here. Fit as it was begun, or give another CheckpointFolder.",
                Assert.ThrowsExactly<InvalidDataException>(() => _trainings.Fit(trainer, _trainings.Shuffled(), run with { Folder = own, Averaging = 0.9, Steps = 3 })).Message);
        }

        string message = Assert.ThrowsExactly<InvalidDataException>(() => _trainings.Fit("Autoencoder", _trainings.Shuffled(), run with { Folder = folder["Visualizer"] })).Message;
        StringAssert.Contains(message, "; Trainer is Visualizer there and Autoencoder here; ");
    }

    /// <summary>Tokens that are computed of several rows together are read again in the order in which they were first.</summary>
    [TestMethod]
    [DataRow(0)]
    [DataRow(16)]
    public void KeptTokensAreThoseOfTheFirstEpoch(int megabytes)
    {
        IDataView Rows()
        {
            // As a model does whose last bits depend on what is beside a row: tokens tell how many were computed before.
            int computed = 0;
            IDataView rows = _trainings.Shuffled();
            return _ml.Transforms.CustomMapping<Numbered, Numbered>((from, to) => to.Tokens = [.. from.Tokens.Select(value => value + computed++ * (megabytes > 0 ? 1e-3f : 0))], contractName: null).Fit(rows).Transform(rows);
        }

        using var folder = new ScratchFolder();
        var run = new Run { CacheMegabytes = megabytes };
        Dictionary<string, torch.Tensor> whole = _trainings.Fit("Visualizer", Rows(), run);
        foreach (int kill in new[] { 2, 8 })
        {
            using var stop = new CancellationTokenSource();
            Assert.ThrowsExactly<OperationCanceledException>(() => _trainings.Fit("Visualizer", Rows(), run with { Folder = folder.Path, Stop = stop.Token, Told = status => { if (status.Step == kill) stop.Cancel(); } }));
        }

        AssertSame(whole, _trainings.Fit("Visualizer", Rows(), run with { Folder = folder.Path }));
    }

    [TestMethod]
    public void RowsThatChangedAreNoticed()
    {
        const string Advice = " A training goes on with the rows with which it was begun, in the same order: give the MLContext a seed where rows are split or shuffled, or give another CheckpointFolder.";
        foreach (string trainer in Names)
        {
            using var folder = new ScratchFolder();
            using var stop = new CancellationTokenSource();
            var run = new Run { Folder = folder.Path };
            Assert.ThrowsExactly<OperationCanceledException>(() => _trainings.Fit(trainer, _trainings.Failing(int.MaxValue), run with { Stop = stop.Token, Told = status => { if (status.Step == 2) stop.Cancel(); } }));
            // Two steps of 3 pictures; rows 1 and 4 have two for a visualizer.
            (int row, int picture) = trainer == "Visualizer" ? (4, 1) : (5, 1);
            PictureRow[] changed = [.. Enumerable.Range(0, Count).Select(Row)];
            changed[row].Image = Row(6).Image;
            Assert.AreEqual(
                $"The training was interrupted at row {row} of pass 1 over the rows, but picture {picture} of that row is another one now.{Advice}",
                Assert.ThrowsExactly<InvalidDataException>(() => _trainings.Fit(trainer, Streamed(changed), run)).Message);
            // The encoder's tokenizer would be another one without those captions.
            if (trainer == "LanguageImagePretraining") continue;
            Assert.AreEqual(
                $"The training was interrupted at row {row} of pass 1 over the rows, but there are only 4 rows.{Advice}",
                Assert.ThrowsExactly<InvalidDataException>(() => _trainings.Fit(trainer, Streamed(changed[..4]), run)).Message);
        }
    }

    [TestMethod]
    public void OptionsOutOfRangeAreNamed()
    {
        foreach (string trainer in Names)
        {
            TensorAssert.Throws<ArgumentOutOfRangeException>(() => _trainings.Fit(trainer, _trainings.Shuffled(), new Run { Interval = 0 }), "CheckpointInterval is 0; at least 1 is needed.");
            TensorAssert.Throws<ArgumentOutOfRangeException>(() => _trainings.Fit(trainer, _trainings.Shuffled(), new Run { Count = 0 }), "CheckpointCount is 0; at least 1 is needed.");
            Assert.AreEqual("CheckpointFolder", Assert.ThrowsExactly<ArgumentException>(() => _trainings.Fit(trainer, _trainings.Shuffled(), new Run { Folder = " " })).ParamName);
        }
    }

    private static void AssertSame(Dictionary<string, torch.Tensor> expected, Dictionary<string, torch.Tensor> actual)
    {
        CollectionAssert.AreEquivalent(expected.Keys, actual.Keys);
        foreach ((string name, torch.Tensor weight) in actual) Assert.IsTrue(ToyTask.SameBits(expected[name], weight), name);
    }

    /// <summary>Other bytes in the place of some, or one bit of the last weight; the file is as long as it was.</summary>
    private static void Damage(string path, string? written, string? found)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (written is null) bytes[^2] ^= 4;
        else Encoding.ASCII.GetBytes(found!).CopyTo(bytes, bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(written)));
        File.WriteAllBytes(path, bytes);
    }

    private static string[] Folders(ScratchFolder folder) => [.. Directory.GetDirectories(folder.Path).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    /// <summary>Rows of which nobody knows the number.</summary>
    private IDataView Streamed(PictureRow[] rows) => _ml.Data.LoadFromEnumerable(rows.Where(_ => true));

    private sealed class Numbered
    {
        [VectorType(0, 4, 4)]
        public float[] Tokens { get; set; } = [];
    }
}
