using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class MetaMorphPipelineTests : FolderTests
{
    private static readonly string[] Outputs = ["PredictedResponse", "ResponseVisualTokens"];

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void TheTrainerPassesTheWorkout()
    {
        IDataView data = Encoded(8);
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.ErrorColumnName = "Error";
        options.LogProbabilityColumnName = "LogProbabilities";
        // Single rows and batches of other sizes round otherwise; a greedy answer of an untrained model may then differ, so few tokens are asked for.
        options.Generation = new GenerationOptions { MaxNewTokens = 2 };
        EstimatorWorkout.Run(_ml, _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options), data, [.. Outputs, "Error", "LogProbabilities"], 1e-3);
    }

    [TestMethod]
    public void APretrainedFolderPassesTheWorkout()
    {
        IDataView data = Encoded(8);
        using MetaMorphTransformer trained = Train(data);
        trained.SaveAsPretrained(Folder.Path);
        GenerateResponseEstimator estimator = _ml.MetaMorph().GenerateResponse(Folder.Path, generation: new GenerationOptions { MaxNewTokens = 3 });
        using MetaMorphTransformer transformer = EstimatorWorkout.Run(_ml, estimator, data, Outputs, 1e-3);
        using MetaMorphTransformer same = trained.WithGeneration(new GenerationOptions { MaxNewTokens = 3 });
        ColumnValues.AssertEqual(ColumnValues.Rows(same.Transform(data), Outputs), ColumnValues.Rows(transformer.Transform(data), Outputs), 1e-4, "folder");
    }

    [TestMethod]
    public void ThePipelineOfTheReadmeRunsEndToEnd()
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        using ImageEncoder encoder = trained.Encoder;
        IDataView rows = TinyModels.Rows(_ml, 8);
        var pipeline = _ml.MetaMorph().EncodeImages("VisualTokens", ["Image", "Image2"], encoder)
            .AppendCacheCheckpoint(_ml)
            .Append(_ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(TinyModels.TrainerOptions()));
        using var model = pipeline.Fit(rows);
        string zip = Path.GetTempFileName();
        try
        {
            _ml.Model.Save(model, rows.Schema, zip);
            var fresh = new MLContext(seed: 1);
            ITransformer loaded = fresh.Model.Load(zip, out _);
            ColumnValues.AssertEqual(ColumnValues.Rows(model.Transform(rows), Outputs), ColumnValues.Rows(loaded.Transform(rows), Outputs), 1e-4, "zip");
            using PredictionEngine<TinyModels.PictureRow, Answer> engine = fresh.Model.CreatePredictionEngine<TinyModels.PictureRow, Answer>(loaded);
            Answer answer = engine.Predict(TinyModels.Row(0));
            object?[] expected = ColumnValues.Rows(model.Transform(_ml.Data.LoadFromEnumerable([TinyModels.Row(0)])), ["PredictedResponse", "ResponseVisualTokens"])[0];
            ColumnValues.AssertEqual([expected], [[answer.PredictedResponse, answer.ResponseVisualTokens]], 1e-4, "engine");
        }
        finally
        {
            File.Delete(zip);
        }
    }

    [TestMethod]
    public void ARowIsLearntByHeart()
    {
        IDataView data = Encoded(1);
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps: 60);
        options.Training = options.Training with { LearningRate = 2e-2, BatchSize = 1 };
        var seen = new List<TrainingStatus>();
        options.Progress = new Receiver(seen.Add);
        using MetaMorphTransformer model = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(data);
        Assert.HasCount(60, seen);
        Assert.IsLessThan(0.2, seen[^1].LanguageLoss);
        Assert.AreEqual("red", ColumnValues.Rows(model.Transform(data), ["PredictedResponse"])[0][0]);
    }

    [TestMethod]
    public void ForcedPicturesComeOutAsUnitTokens()
    {
        IDataView data = Encoded(4);
        using MetaMorphTransformer model = Train(data).WithGeneration(new GenerationOptions { BeginWithImage = true, MaxNewTokens = 5 });
        foreach (object?[] row in ColumnValues.Rows(model.Transform(data), Outputs))
        {
            StringAssert.StartsWith((string)row[0]!, "<image>");
            var tokens = (float[])row[1]!;
            Assert.HasCount(32, tokens);
            foreach (float[] token in tokens.Chunk(8)) Assert.AreEqual(1, Math.Sqrt(token.Sum(v => v * v)), 1e-4);
        }
    }

    [TestMethod]
    public void TrainingGoesOnFromAPreviousModelWithoutChangingIt()
    {
        IDataView data = Encoded(8);
        using MetaMorphTransformer first = Train(data);
        Dictionary<string, float[]> before = Weights(first);
        VisualPredictiveInstructionTuningTrainer trainer = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(TinyModels.TrainerOptions());
        using MetaMorphTransformer second = trainer.Fit(data, first);
        foreach ((string name, float[] values) in Weights(first)) CollectionAssert.AreEqual(before[name], values, name);
        Assert.IsTrue(Weights(second).Any(entry => !entry.Value.SequenceEqual(before[entry.Key])));
        Assert.AreEqual(first.Tokenizer.VocabularySize, second.Tokenizer.VocabularySize);
        using MetaMorphTransformer third = trainer.Fit(data, data, second);
    }

    [TestMethod]
    public void TheSeedDecidesTheWeights()
    {
        IDataView data = Encoded(8);
        Dictionary<string, float[]> Run(int seed)
        {
            using MetaMorphTransformer model = new MLContext(seed).MetaMorph().Trainers.VisualPredictiveInstructionTuning(TinyModels.TrainerOptions()).Fit(data);
            return Weights(model);
        }

        Dictionary<string, float[]> first = Run(5), again = Run(5), other = Run(6);
        foreach ((string name, float[] values) in first) CollectionAssert.AreEqual(values, again[name], name);
        Assert.IsTrue(first.Any(entry => !entry.Value.SequenceEqual(other[entry.Key])));
    }

    [TestMethod]
    public void SeveralTurnsAreOneConversation()
    {
        IDataView data = _ml.Data.LoadFromEnumerable(
        [
            new TurnsRow { Prompt = ["Hello", "And?"], Response = ["Hi", "That is all."], VisualTokens = [] },
            new TurnsRow { Prompt = ["<image>What?", "And this?<image>"], Response = ["red <image>", "blue"], VisualTokens = Enumerable.Repeat(0.35f, 3 * 32).ToArray() },
        ]);
        using MetaMorphTransformer model = Train(data);
        Assert.HasCount(2, ColumnValues.Rows(model.Transform(data), Outputs));
        IDataView without = _ml.Data.LoadFromEnumerable([new TurnsRow { Prompt = ["a", "b", "c"], Response = ["x"], VisualTokens = [] }]);
        string message = Assert.Throws<InvalidDataException>(() => ColumnValues.Rows(model.Transform(without), Outputs)).Message;
        foreach (string part in new[] { "Row 0", "'Prompt'", "3 turns", "2 earlier answers", "'Response'", "has 1" }) StringAssert.Contains(message, part);
    }

    [TestMethod]
    [DataRow("<image><image>Which?", "red", 1, "3")]
    [DataRow("Which?", "<image>", 0, "1")]
    [DataRow("Which?", "red", 2, "0")]
    public void MarksWithoutPicturesAreNamed(string prompt, string response, int pictures, string marks)
    {
        IDataView good = Encoded(4);
        IDataView bad = _ml.Data.LoadFromEnumerable([new EncodedRow { Prompt = "a", Response = "b" }, new EncodedRow { Prompt = prompt, Response = response + (marks == "3" ? "<image>" : ""), VisualTokens = new float[pictures * 32] }]);
        string message = Assert.Throws<InvalidDataException>(() => Train(bad)).Message;
        foreach (string part in new[] { "Row 1", "'VisualTokens'", $"{marks} <image>", $"{pictures} pictures" }) StringAssert.Contains(message, part);
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.SkipBadRows = true;
        var log = new List<string>();
        _ml.Log += (_, entry) => log.Add(entry.Message);
        using MetaMorphTransformer trained = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(bad);
        Assert.IsTrue(log.Any(line => line.Contains("1 rows were passed over") && line.Contains("Row 1")));
    }

    [TestMethod]
    public void WrongColumnsAndOptionsAreRefused()
    {
        MetaMorphTrainers trainers = _ml.MetaMorph().Trainers;
        IDataView data = Encoded(4);
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.PromptColumnName = "Nowhere";
        Assert.AreEqual("There is no column 'Nowhere' (prompt). The columns are: Prompt, Response, VisualTokens.", Assert.ThrowsExactly<ArgumentException>(() => trainers.VisualPredictiveInstructionTuning(options).Fit(data)).Message);
        options = TinyModels.TrainerOptions();
        options.VisualTokensColumnName = "Response";
        Assert.AreEqual("The column 'Response' (visual tokens) has the type String; Vector<Single> with the dimensions [pictures, tokens, width] is needed.", Assert.ThrowsExactly<ArgumentException>(() => trainers.VisualPredictiveInstructionTuning(options).Fit(data)).Message);
        options = TinyModels.TrainerOptions();
        options.Training = options.Training with { BatchSize = 0 };
        StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trainers.VisualPredictiveInstructionTuning(options)).Message, "BatchSize must be at least 1. (Parameter 'BatchSize')");
        options = TinyModels.TrainerOptions();
        options.Architecture = TinyModels.Architecture with { HiddenSize = 15 };
        Assert.AreEqual($"HeadCount must be at least 1 and divide HiddenSize (15) into even widths. (Parameter 'HeadCount'){Environment.NewLine}Actual value was 2.", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trainers.VisualPredictiveInstructionTuning(options)).Message);
        StringAssert.Contains(Assert.ThrowsExactly<DirectoryNotFoundException>(() => trainers.VisualPredictiveInstructionTuning("/no/such/folder").Fit(data)).Message, "/no/such/folder");
        StringAssert.Contains(Assert.ThrowsExactly<DirectoryNotFoundException>(() => _ml.MetaMorph().GenerateResponse("/no/such/folder").Fit(data)).Message, "/no/such/folder");
    }

    [TestMethod]
    public void TokensOfAnotherEncoderAreRefused()
    {
        using MetaMorphTransformer model = Train(Encoded(4));
        IDataView other = _ml.Data.LoadFromEnumerable([new OtherTokensRow()]);
        Assert.AreEqual("The column 'VisualTokens' (visual tokens) holds 9 tokens a picture, each 8 wide; the model reads 4 tokens, each 8 wide. Encode the pictures with the encoder that the model was trained with.", Assert.ThrowsExactly<ArgumentException>(() => model.Transform(other)).Message);
        VisualPredictiveInstructionTuningTrainer trainer = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(TinyModels.TrainerOptions());
        StringAssert.EndsWith(Assert.ThrowsExactly<InvalidDataException>(() => trainer.Fit(other, model)).Message, "reads 4 visual tokens a picture, each 8 wide; the rows have 9, each 8 wide. Encode the pictures with the encoder of that model.");
    }

    [TestMethod]
    public void CancellationEndsTheTraining()
    {
        using var cancellation = new CancellationTokenSource();
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps: 50);
        options.CancellationToken = cancellation.Token;
        int steps = 0;
        options.Progress = new Receiver(status =>
        {
            steps++;
            if (status.Step == 2) cancellation.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(Encoded(8)));
        Assert.AreEqual(2, steps);
        options.KeepCancelled = true;
        using MetaMorphTransformer kept = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(Encoded(8));
    }

    [TestMethod]
    public void AMissingGpuIsAnErrorOrAWarning()
    {
        var strict = new MLContext(seed: 1) { GpuDeviceId = 4711, FallbackToCpu = false };
        StringAssert.Contains(Assert.Throws<InvalidOperationException>(() => TinyModels.TrainEncoder(strict)).Message, "MLContext.GpuDeviceId is 4711, but this process sees ");
        var lenient = new MLContext(seed: 1) { GpuDeviceId = 4711, FallbackToCpu = true };
        var log = new List<string>();
        lenient.Log += (_, entry) => log.Add(entry.Message);
        using EncodeImagesTransformer encoder = TinyModels.TrainEncoder(lenient);
        Assert.IsTrue(log.Any(line => line.Contains("4711")));
    }

    [TestMethod]
    public void NoTensorIsLeftBehindByARow()
    {
        IDataView data = Encoded(4);
        using MetaMorphTransformer model = Train(data);
        ColumnValues.Rows(model.Transform(data), Outputs);
        // What earlier tests left to the garbage collector would blur the count.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = TorchSharp.torch.Tensor.TotalCount;
        for (int i = 0; i < 3; i++) ColumnValues.Rows(model.Transform(data), Outputs);
        Assert.AreEqual(before, TorchSharp.torch.Tensor.TotalCount);
    }

    private static Dictionary<string, float[]> Weights(MetaMorphTransformer model)
        => model.Model.Parameters().ToDictionary(entry => entry.Key, entry => TensorMemory.Span<float>(entry.Value).ToArray());

    private MetaMorphTransformer Train(IDataView data) => EncodedRow.Train(_ml, data);

    private IDataView Encoded(int rows) => EncodedRow.Rows(_ml, rows);

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }

    private sealed class TurnsRow
    {
        public string[] Prompt { get; set; } = [];

        public string[] Response { get; set; } = [];

        [VectorType(0, 4, 8)]
        public float[] VisualTokens { get; set; } = [];
    }

    private sealed class OtherTokensRow
    {
        public string Prompt { get; set; } = "a";

        public string Response { get; set; } = "b";

        [VectorType(0, 9, 8)]
        public float[] VisualTokens { get; set; } = [];
    }
}
