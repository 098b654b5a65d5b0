using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A training that would learn nothing, and columns whose type contradicts the model, are refused.</summary>
[TestClass]
public sealed class NothingToLearnTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    [DataRow(3)]        // the first pass ends within the training
    [DataRow(1)]        // the training ends within the first pass
    public void RowsThatAreCutBeforeTheirResponses(int steps)
    {
        IDataView data = EncodedRow.Rows(_ml, 4);
        string Refusal(int length) => Assert.ThrowsExactly<InvalidDataException>(() => EncodedRow.Train(_ml, data, options =>
        {
            options.MaximumLength = length;
            options.Training = options.Training with { MaximumSteps = steps };
        })).Message;
        Assert.AreEqual(Message(rows: 4, length: 1), Refusal(1));
        // Where one row has something left, the others may be cut.
        EncodedRow.Train(_ml, data, options => options.MaximumLength = Shortest(data)).Dispose();
        Assert.AreEqual(Message(rows: 4, length: Shortest(data) - 1), Refusal(Shortest(data) - 1));
    }

    [TestMethod]
    [DataRow(5)]        // the first pass ends within the training
    [DataRow(1)]        // the training ends within the first pass
    public void CaptionsThatAreAllEmpty(int steps)
    {
        IDataView Rows(params string[] captions) => _ml.Data.LoadFromEnumerable(captions.Select((caption, i) => new TinyModels.CaptionRow { Image = TinyModels.Picture(i), Caption = caption }).ToArray());
        LanguageImagePretrainingTrainer trainer = _ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            Training = TinyModels.Encoder with { BatchSize = 2, MaximumSteps = steps },
            TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 },
        });
        Assert.AreEqual(
            $"None of {(steps == 1 ? 2 : 4)} rows has anything to learn: column 'Caption' is empty in each. Fill it, or name the column of captions in CaptionColumnName.",
            Assert.ThrowsExactly<InvalidDataException>(() => trainer.Fit(Rows("", "", "", ""))).Message);
        // One of them is enough.
        trainer.Fit(Rows("", "a red square")).Dispose();
    }

    [TestMethod]
    public void RowsThatAreAllPassedOver()
    {
        IDataView data = _ml.Data.LoadFromEnumerable([new EncodedRow { Prompt = "Say yes." }, new EncodedRow { Prompt = "Say no." }]);
        Assert.AreEqual(
            "Epoch 1 has no rows to train on: all 2 were passed over (SkipBadRows). The first of them: Row 0, column 'Response': the text is empty, so there is nothing to learn.",
            Assert.ThrowsExactly<InvalidDataException>(() => EncodedRow.Train(_ml, data, options => (options.SkipBadRows, options.Training) = (true, options.Training with { Seed = 0 }))).Message);
    }

    [TestMethod]
    public void AnEncoderThatDivergesNamesRowsThatThereAre()
    {
        // An enumeration that is no list cannot be shuffled: the order of the rows is known.
        static IEnumerable<TinyModels.CaptionRow> Rows()
        {
            for (int i = 0; i < 12; i++) yield return new TinyModels.CaptionRow { Image = TinyModels.Picture(i), Caption = "a square" };
        }

        LanguageImagePretrainingTrainer trainer = _ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            Training = TinyModels.Encoder with { LearningRate = 1e15, MaximumSteps = 400, MaximumGradientNorm = null },
            TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 },
        });
        TrainingDivergedException failure = Assert.ThrowsExactly<TrainingDivergedException>(() => trainer.Fit(_ml.Data.LoadFromEnumerable(Rows())));
        long first = (failure.Step - 1) % 3 * 4;
        CollectionAssert.AreEqual(new[] { first, first + 1, first + 2, first + 3 }, failure.Rows.ToArray());
        StringAssert.Contains(failure.Message, $" Rows of the step: {first}, {first + 1}, {first + 2}, {first + 3}. ");
    }

    [TestMethod]
    public void AColumnWhoseTypeTellsAnotherNumberOfTokens()
    {
        using MetaMorphTransformer model = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4));
        string Refusal<T>()
            where T : class, new()
            => Assert.ThrowsExactly<ArgumentException>(() => model.GetOutputSchema(_ml.Data.LoadFromEnumerable([new T()]).Schema)).Message;
        const string Advice = "Encode the pictures with the encoder that the model was trained with.";
        Assert.AreEqual($"The column 'VisualTokens' (visual tokens) holds 100 tokens a picture, each 8 wide; the model reads 4 tokens, each 8 wide. {Advice}", Refusal<Picture>());
        Assert.AreEqual($"The column 'VisualTokens' (visual tokens) holds 100 tokens a picture, each 8 wide; the model reads 4 tokens, each 8 wide. {Advice}", Refusal<Pictures>());
        Assert.AreEqual($"The column 'VisualTokens' (visual tokens) has 100 values, which are not a whole number of pictures; the model reads 4 tokens a picture, each 8 wide, 32 values. {Advice}", Refusal<Flat>());
        // A length that the type does not tell is the row's.
        IDataView open = _ml.Data.LoadFromEnumerable([new Open { VisualTokens = new float[100] }]);
        Assert.AreEqual(
            "Row 0, column 'VisualTokens': 100 values are not a whole number of pictures; a picture has 4 tokens × 8 = 32 values. Encode the pictures with EncodeImages.",
            Assert.ThrowsExactly<InvalidDataException>(() => ColumnValues.Rows(model.Transform(open), ["PredictedResponse"])).Message);
        Assert.IsNotNull(model.GetOutputSchema(_ml.Data.LoadFromEnumerable([new Two()]).Schema).GetColumnOrNull("PredictedResponse"));
    }

    private static string Message(int rows, int length)
        => $"None of {rows} rows has anything to learn: no word of a response lies within the first {length} positions, behind which rows are cut. Raise MaximumLength (the model's max_position_embeddings is the most), or shorten prompts and system message.";

    /// <summary>The least length at which some row has something to learn.</summary>
    private int Shortest(IDataView data)
    {
        using MetaMorphTransformer model = EncodedRow.Train(_ml, data);
        return _ml.Data.CreateEnumerable<EncodedRow>(data, reuseRowObject: false, ignoreMissingColumns: true).Min(row =>
        {
            int marks = (row.Prompt + row.Response).Split("<image>").Length - 1;
            TokenSequence sequence = model.Model.Text.Encoder.Encode(Conversation.FromTurns([row.Prompt], [row.Response], marks, "0"));
            int first = Array.FindIndex(sequence.Labels, label => label != TokenSequence.Ignored);
            return first + 1 + 3 * sequence.Ids[..first].Count(id => id == TokenSequence.ImagePlaceholder);
        });
    }

    private class Texts
    {
        public string Prompt { get; set; } = "Say yes.";
    }

    private sealed class Picture : Texts
    {
        [VectorType(100, 8)]
        public float[] VisualTokens { get; set; } = new float[800];
    }

    private sealed class Pictures : Texts
    {
        [VectorType(0, 100, 8)]
        public float[] VisualTokens { get; set; } = new float[800];
    }

    private sealed class Flat : Texts
    {
        [VectorType(100)]
        public float[] VisualTokens { get; set; } = new float[100];
    }

    private sealed class Two : Texts
    {
        [VectorType(64)]
        public float[] VisualTokens { get; set; } = new float[64];
    }

    private sealed class Open : Texts
    {
        public float[] VisualTokens { get; set; } = [];
    }
}
