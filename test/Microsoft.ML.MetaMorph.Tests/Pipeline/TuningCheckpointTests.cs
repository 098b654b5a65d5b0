using System.Collections;
using Microsoft.ML.Data;
using TorchSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Checkpoints of Visual-Predictive Instruction Tuning through ML.NET, over rows in any order and rows in one order.</summary>
[TestClass]
public sealed class TuningCheckpointTests : FolderTests
{
    private const int Count = 9, Steps = 7;

    private readonly MLContext _ml = new(seed: 1);
    private readonly List<string> _log = [];

    public TuningCheckpointTests() => _ml.Log += (_, entry) => _log.Add(entry.RawMessage);

    [ClassInitialize]
    public static void BeginOneThread(TestContext _) => OneThread.Begin();

    [ClassCleanup]
    public static void EndOneThread() => OneThread.End();

    /// <summary>Killed twice, once behind the first epoch (three steps), with the bad row passed over in each.</summary>
    [TestMethod]
    [DataRow(true, false)]
    [DataRow(false, false)]
    [DataRow(false, true)]
    public void KilledBetweenTwoCheckpoints(bool shuffles, bool badRow)
    {
        Dictionary<string, torch.Tensor> whole = Fit(Rows(shuffles, badRow), Change());
        foreach (int kill in new[] { 3, 6 })
        {
            Assert.ThrowsExactly<TimeoutException>(() => Fit(Rows(shuffles, badRow), Change(told: status => { if (status.Step == kill) throw new TimeoutException("The power is gone."); })));
        }

        var steps = new List<long>();
        AssertSame(whole, Fit(Rows(shuffles, badRow), Change(told: status => steps.Add(status.Step))));
        CollectionAssert.AreEqual(new long[] { 7 }, steps);
        Assert.Contains($"The training goes on from step 2 ('{Folder["run/step-00000002"]}').", _log);
        Assert.Contains($"The training goes on from step 6 ('{Folder["run/step-00000006"]}').", _log);
        CollectionAssert.AreEqual(new[] { "finished-00000007", "step-00000006" }, Directory.GetDirectories(Folder["run"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal).ToArray());

        AssertSame(whole, Fit(Rows(shuffles, badRow), Change(told: _ => Assert.Fail("a step"))));
        Assert.Contains($"The training was finished before (Completed after 7 steps): its weights are those of '{Folder["run/finished-00000007"]}', and nothing is trained. Give another CheckpointFolder to train anew.", _log);

        Action<VisualPredictiveInstructionTuningTrainer.Options> Change(Action<TrainingStatus>? told = null) => options =>
        {
            options.SkipBadRows = badRow;
            if (told is null) return;
            (options.CheckpointFolder, options.CheckpointInterval, options.Progress) = (Folder["run"], 2, new Receiver(told));
        };
    }

    /// <summary>Of rows that were learned no value is asked for, so no picture of them is encoded.</summary>
    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void RowsThatWereLearnedAreNotRead(bool shuffles)
    {
        int read = 0;
        IDataView Counted()
        {
            CountedRow[] rows = [.. Enumerable.Range(0, Count).Select(i => new CountedRow(Row(i), () => read++))];
            return shuffles ? _ml.Data.LoadFromEnumerable(rows) : _ml.Data.LoadFromEnumerable(rows.Where(_ => true));
        }

        void Once(VisualPredictiveInstructionTuningTrainer.Options options)
        {
            options.Training = options.Training with { MaximumSteps = null, Epochs = 1 };
            (options.CheckpointFolder, options.CheckpointInterval) = (Folder["run"], 1);
        }

        Assert.ThrowsExactly<TimeoutException>(() => Fit(Counted(), options =>
        {
            Once(options);
            options.Progress = new Receiver(status => { if (status.Step == 2) throw new TimeoutException("The power is gone."); });
        }));
        read = 0;
        Fit(Counted(), Once);
        // The last row of the second step, to see whether it is the same, and the ninth.
        Assert.AreEqual(2, read);
    }

    [TestMethod]
    public void GoesOnFromAPreviousModelWithValidationRows()
    {
        IDataView rows = Rows(shuffles: true, badRow: false);
        VisualPredictiveInstructionTuningTrainer.Options first = TinyModels.TrainerOptions();
        using MetaMorphTransformer previous = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(first).Fit(rows);
        Dictionary<string, torch.Tensor> Further(Action<TrainingStatus>? told, bool checkpoints = true)
        {
            VisualPredictiveInstructionTuningTrainer.Options options = Options();
            options.Training = options.Training with { ValidationInterval = 2, AveragingDecay = 0.9 };
            if (checkpoints) (options.CheckpointFolder, options.CheckpointInterval) = (Folder["run"], 2);
            if (told is not null) options.Progress = new Receiver(told);
            using MetaMorphTransformer model = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(rows, rows, previous);
            return Copies(model);
        }

        var evaluated = new List<double?>();
        Dictionary<string, torch.Tensor> whole = Further(status => evaluated.Add(status.ValidationLoss), checkpoints: false);
        var parts = new List<double?>();
        Assert.ThrowsExactly<TimeoutException>(() => Further(status =>
        {
            if (status.Step == 5) throw new TimeoutException("The power is gone.");
            parts.Add(status.ValidationLoss);
        }));
        AssertSame(whole, Further(status => parts.Add(status.ValidationLoss)));
        CollectionAssert.AreEqual(evaluated, parts);
        // Another model to start from is another training.
        using MetaMorphTransformer other = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Options()).Fit(rows, previous);
        VisualPredictiveInstructionTuningTrainer.Options again = Options();
        again.Training = again.Training with { ValidationInterval = 2, AveragingDecay = 0.9 };
        again.CheckpointFolder = Folder["run"];
        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(again).Fit(rows, rows, other)).Message;
        StringAssert.StartsWith(message, $"'{Folder["run/finished-00000007"]}' is a checkpoint of another training: Previous model is weights ");
    }

    [TestMethod]
    public void OtherOptionsAndOtherTextsAreRefused()
    {
        void Change(VisualPredictiveInstructionTuningTrainer.Options options) => options.CheckpointFolder = Folder["run"];
        Fit(Rows(shuffles: true, badRow: false), Change);
        string place = Folder["run/finished-00000007"];
        Assert.AreEqual(
            $"'{place}' is a checkpoint of another training: MaximumLength is 4096 there and 64 here; Training.LearningRate is 0.001 there and 0.002 here. Fit as it was begun, or give another CheckpointFolder.",
            Assert.ThrowsExactly<InvalidDataException>(() => Fit(Rows(shuffles: true, badRow: false), options =>
            {
                Change(options);
                options.MaximumLength = 64;
                options.Training = options.Training with { LearningRate = 2e-3, ValidationInterval = 3, ActivationCheckpointing = true };
            })).Message);
        EncodedRow[] rows = [.. Enumerable.Range(0, Count).Select(Row)];
        rows[3].Response = "no";
        string message = Assert.ThrowsExactly<InvalidDataException>(() => Fit(_ml.Data.Cache(_ml.Data.LoadFromEnumerable(rows)), Change)).Message;
        StringAssert.Contains(message, "First texts is 18, hash ");
        TensorAssert.Throws<ArgumentOutOfRangeException>(() => Fit(Rows(true, false), options => options.CheckpointInterval = 0), "CheckpointInterval is 0; at least 1 is needed.");
    }

    private Dictionary<string, torch.Tensor> Fit(IDataView rows, Action<VisualPredictiveInstructionTuningTrainer.Options> change)
    {
        VisualPredictiveInstructionTuningTrainer.Options options = Options();
        change(options);
        using MetaMorphTransformer model = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(rows);
        return Copies(model);
    }

    private static VisualPredictiveInstructionTuningTrainer.Options Options() => TinyModels.TrainerOptions(Steps);

    /// <summary>Rows that a cache gives in any order, or that come in one order, from which the next is drawn.</summary>
    private IDataView Rows(bool shuffles, bool badRow)
    {
        EncodedRow[] rows = [.. Enumerable.Range(0, Count).Select(Row)];
        if (badRow) rows[2].VisualTokens = [];
        return shuffles ? _ml.Data.Cache(_ml.Data.LoadFromEnumerable(rows)) : _ml.Data.LoadFromEnumerable(new InOrder(rows));
    }

    internal static EncodedRow Row(int i)
    {
        float[] Picture() => [.. Enumerable.Range(0, EncodedRow.PictureLength).Select(k => MathF.Sin(i + 0.7f * k) / MathF.Sqrt(4))];
        return (i % 3) switch
        {
            0 => new EncodedRow { Prompt = "Say a word.", Response = i % 2 == 0 ? "yes" : "perhaps so", VisualTokens = [] },
            1 => new EncodedRow { Prompt = "Draw it.", Response = "Here: <image>", VisualTokens = Picture() },
            _ => new EncodedRow { Prompt = "<image>What is it?", Response = "a thing", VisualTokens = Picture() },
        };
    }

    internal static Dictionary<string, torch.Tensor> Copies(MetaMorphTransformer model) => model.Model.Parameters().ToDictionary(entry => entry.Key, entry => entry.Value.detach().clone());

    private static void AssertSame(Dictionary<string, torch.Tensor> expected, Dictionary<string, torch.Tensor> actual)
    {
        CollectionAssert.AreEquivalent(expected.Keys, actual.Keys);
        foreach ((string name, torch.Tensor weight) in actual) Assert.IsTrue(ToyTask.SameBits(expected[name], weight), name);
    }

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }

    private sealed class InOrder(EncodedRow[] rows) : IEnumerable<EncodedRow>
    {
        public IEnumerator<EncodedRow> GetEnumerator() => ((IEnumerable<EncodedRow>)rows).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }

    private sealed class CountedRow(EncodedRow row, Action read)
    {
        public string Prompt => row.Prompt;

        public string Response => row.Response;

        [VectorType(0, 4, 8)]
        public float[] VisualTokens
        {
            get
            {
                read();
                return row.VisualTokens;
            }
        }
    }
}
