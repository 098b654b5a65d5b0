using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Visual-predictive instruction tuning on rows that have no column of visual tokens.</summary>
[TestClass]
public sealed class WordsOnlyTests
{
    private static readonly (string Prompt, string Response)[] Turns = [("Say yes.", "yes"), ("Say no.", "no")];

    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ANewModelLearnsWordsAndIsMadeForThePapersEncoder()
    {
        var losses = new List<TrainingStatus>();
        VisualPredictiveInstructionTuningTrainer.Options options = Options(steps: 120);
        options.Progress = new Receiver(losses.Add);
        using MetaMorphTransformer model = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(Words(), Words());
        Assert.AreEqual((64, 1152), (model.VisualTokenCount, model.VisualTokenWidth));
        Assert.IsTrue(losses.All(status => status.VisualLoss == 0 && double.IsFinite(status.LanguageLoss)));
        Assert.IsLessThan(0.1, losses[^1].LanguageLoss);
        CollectionAssert.AreEqual(Turns.Select(turn => turn.Response).ToArray(), Answers(model));
    }

    [TestMethod]
    public void WordsAreLearnedByAModelOfPicturesAndThePicturesRemainPossible()
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        using MetaMorphTransformer first = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(_ml.Data.LoadFromEnumerable([new PictureRow()]));
        using MetaMorphTransformer second = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Options(steps: 2)).Fit(Words(), first);
        Assert.AreEqual((4, 8), (second.VisualTokenCount, second.VisualTokenWidth));
        using MetaMorphTransformer third = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(_ml.Data.LoadFromEnumerable([new PictureRow()]), second);
        Assert.AreEqual((4, 8), (third.VisualTokenCount, third.VisualTokenWidth));
    }

    [TestMethod]
    public void AMarkWithoutAColumnOfPicturesIsNamed()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new WordRow { Prompt = "<image>Which colour?", Response = "red" }]);
        InvalidDataException failure = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(Options(steps: 1)).Fit(data));
        Assert.AreEqual("Row 0, columns 'Prompt' and 'Response': there are 1 <image> marks, but there is no visual tokens column for them. Give every mark its picture, prompts first.", failure.Message);
    }

    private static VisualPredictiveInstructionTuningTrainer.Options Options(int steps)
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions(steps);
        options.VisualTokensColumnName = null;
        options.Training = options.Training with { LearningRate = 1e-2, BatchSize = 2 };
        return options;
    }

    private string[] Answers(MetaMorphTransformer model)
        => [.. model.Transform(Words()).GetColumn<string>("PredictedResponse")];

    private IDataView Words() => _ml.Data.LoadFromEnumerable(Turns.Select(turn => new WordRow { Prompt = turn.Prompt, Response = turn.Response }).ToArray());

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }

    private sealed class WordRow
    {
        public string Prompt { get; set; } = "";

        public string Response { get; set; } = "";
    }

    private sealed class PictureRow
    {
        public string Prompt { get; set; } = "<image>Which colour?";

        public string Response { get; set; } = "red";

        [VectorType(0, 4, 8)]
        public float[] VisualTokens { get; set; } = [.. Enumerable.Repeat(0.35f, 32)];
    }
}
