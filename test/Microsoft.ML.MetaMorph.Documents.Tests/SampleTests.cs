using Documents;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Documents.Tests;

/// <summary>The code of the documents runs: against models of a few thousand parameters.</summary>
[TestClass]
public sealed class SampleTests
{
    private static TinyWorld _world = null!;

    private static MLContext Ml => _world.Context;

    [ClassInitialize]
    public static void MakeWorld(TestContext _) => _world = new TinyWorld();

    [ClassCleanup]
    public static void RemoveWorld() => _world.Dispose();

    [TestMethod]
    public void TenLinesOfTheReadme()
    {
        Answer answer = TenLines.Run(_world.EncoderFolder, _world.ModelFolder, _world.Questions, _world.File("ten-lines.zip"), _world.Pictures[0]);
        Answer expected = Answers(_world.File("ten-lines.zip"), [new Question { Prompt = "<image>What is this?", PromptImage = _world.Pictures[0] }]).Single();
        AssertSame(expected, answer, "the zip, read again");
    }

    [TestMethod]
    public void ColumnsOfTheirOwnForPromptsAndResponses()
    {
        using MetaMorphTransformer model = OwnColumns.Run(Ml, _world.Rows, _world.Encoder, TinyWorld.Options());
        Question[] wrong = [new Question { Prompt = "<image>Which colour?", Response = "red", ResponseImage = _world.Pictures[0] }];
        string message = Assert.ThrowsExactly<InvalidDataException>(() => OwnColumns.Run(Ml, Ml.Data.LoadFromEnumerable(wrong), _world.Encoder, TinyWorld.Options())).Message;
        StringAssert.StartsWith(message, "Row 0, columns 'Prompt' and 'Response': the prompt column 'Prompt' has 1 <image> marks, but the column 'PromptTokens' holds 0 pictures.");
    }

    [TestMethod]
    public void AnEncoderFromNothing()
    {
        FromNothing.Encoder(Ml, _world.Captions, steps: 1, _world.File("fresh-encoder"));
        using ImageEncoder encoder = ImageEncoder.Load(_world.File("fresh-encoder"));
        Assert.AreEqual((16, 128, 64), (encoder.VisualTokenCount, encoder.VisualTokenWidth, encoder.ImageSize));
    }

    [TestMethod]
    public void AnAutoencoderFromNothingServesAVisualizer()
    {
        VisualizerTrainer trainer = Pictures.InLatents(Ml, _world.Captions, steps: 1, _world.File("fresh-autoencoder"));
        using ImageAutoencoder opened = ImageAutoencoder.Load(_world.File("fresh-autoencoder"));
        Assert.AreEqual((64, 4, 4), (opened.PictureSize, opened.LatentChannels, opened.PixelsPerLatent));
        using EncodeImagesTransformer encoding = Ml.MetaMorph().EncodeImages("VisualTokens", "Image", _world.Encoder).Fit(_world.Captions);
        using GenerateImagesTransformer painter = trainer.Fit(encoding.Transform(_world.Captions));
        using Visualizer visualizer = painter.Visualizer;
        visualizer.Save(_world.File("latent-visualizer"));
        using ImageAutoencoder inside = ImageAutoencoder.Load(_world.File("latent-visualizer"));
        Assert.AreEqual(opened.ScalingFactor, inside.ScalingFactor);
    }

    [TestMethod]
    public void AVisualizerIsWatched()
    {
        using EncodeImagesTransformer encoding = Ml.MetaMorph().EncodeImages("VisualTokens", "Image", _world.Encoder).Fit(_world.Captions);
        IDataView rows = encoding.Transform(_world.Captions);
        using GenerateImagesTransformer painter = Pictures.Watched(Ml, rows, rows, steps: 1, _world.File("sheets"), _world.File("board"));
        Assert.IsTrue(File.Exists(Path.Combine(_world.File("sheets"), "step-000001.png")));
        Assert.HasCount(1, Directory.GetFiles(_world.File("board")));
    }

    [TestMethod]
    public void AFinishedTrainingIsFoundInItsFolder()
    {
        using EncodeImagesTransformer encoding = Ml.MetaMorph().EncodeImages("VisualTokens", "Image", _world.Encoder).Fit(_world.Captions);
        IDataView rows = encoding.Transform(_world.Captions);
        using GenerateImagesTransformer painter = Checkpoints.Run(Ml, rows, steps: 1, _world.File("checkpoints"));
        Assert.IsTrue(File.Exists(Path.Combine(_world.File("checkpoints"), "finished-00000001", "state.safetensors")));
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(_world.File("checkpoints"), "finished-00000001", "checkpoint.json"));
        using GenerateImagesTransformer again = Checkpoints.Run(Ml, rows, steps: 1, _world.File("checkpoints"));
        Assert.AreEqual(written, File.GetLastWriteTimeUtc(Path.Combine(_world.File("checkpoints"), "finished-00000001", "checkpoint.json")));
    }

    [TestMethod]
    public void AVisualizerFromNothingDraws()
    {
        using Visualizer visualizer = Pictures.Train(Ml, _world.Captions, _world.Encoder, steps: 1, _world.File("fresh-visualizer"));
        using Visualizer opened = Visualizer.Load(_world.File("fresh-visualizer"));
        Assert.AreEqual((4, 8, 64, 64), (opened.VisualTokenCount, opened.VisualTokenWidth, opened.PictureHeight, opened.PictureWidth));
        ITransformer painter = Pictures.Draw(Ml, _world.Model, _world.Encoded, opened);
        Assert.IsNotNull(painter.GetOutputSchema(_world.Model.Transform(_world.Encoded).Schema).GetColumnOrNull("Picture"));
        ((IDisposable)painter).Dispose();

        using var stop = new CancellationTokenSource();
        var steps = new Steps();
        (IEstimator<ITransformer> again, IEstimator<ITransformer> drawn) = Pictures.InOneCall(Ml, _world.Encoder, opened, _world.ModelFolder, steps, stop.Token);
        ITransformer reconstructing = again.Fit(_world.Rows);
        Assert.IsNotNull(reconstructing.GetOutputSchema(_world.Rows.Schema).GetColumnOrNull("Again1"));
        ((IDisposable)reconstructing).Dispose();
        ITransformer drawing = drawn.Fit(_world.Rows);
        IDataView rows = drawing.Transform(_world.Rows);
        CollectionAssert.IsSubsetOf(new[] { "Picture", "Picture1", "Error" }, rows.Schema.Select(column => column.Name).ToArray());
        string[] errors = [.. rows.GetColumn<string>("Error")];
        Assert.HasCount(4, errors);
        Assert.AreEqual(2, errors.Count(error => error.StartsWith("Row ", StringComparison.Ordinal)), "two prompts have pictures, which nothing encodes here");
        Assert.IsGreaterThan(0, steps.Count);
        ((IDisposable)drawing).Dispose();
    }

    private sealed class Steps : IProgress<DrawingStatus>
    {
        public int Count { get; private set; }

        public void Report(DrawingStatus value) => Count++;
    }

    /// <summary>A published layout of a few thousand parameters: that of the reference cases.</summary>
    [TestMethod]
    [DataRow("siglip-folder")]
    [DataRow("siglip2-naflex-folder")]
    public void VectorsFeedAClassifierAndTheTowersLearnOn(string published)
    {
        string siglip = Path.Combine(Repository.Root, "test", "reference", published);
        using (var model = (IDisposable)Embedding.Probe(Ml, _world.Captions, siglip, _world.File("probe.zip")))
        {
            // Four pictures of four colours, one of each label: a linear classifier of unlike vectors tells them apart.
            string[] captions = [.. _world.Captions.GetColumn<string>("Caption")];
            CollectionAssert.AreEqual(captions, ((ITransformer)model).Transform(_world.Captions).GetColumn<string>("PredictedLabel").ToArray());
            using var loaded = (IDisposable)Ml.Model.Load(_world.File("probe.zip"), out _);
            CollectionAssert.AreEqual(captions, ((ITransformer)loaded).Transform(_world.Captions).GetColumn<string>("PredictedLabel").ToArray());
        }

        Embedding.GoOn(Ml, _world.Captions, siglip, steps: 2, _world.File(published + "-checkpoints"), _world.File(published));
        using LanguageImageEncoder encoder = LanguageImageEncoder.Load(_world.File(published));
        using var classifier = (IDisposable)Embedding.ZeroShot(Ml, encoder).Fit(_world.Captions);
        IDataView classified = ((ITransformer)classifier).Transform(_world.Captions);
        float[][] scores = [.. classified.GetColumn<float[]>("Score")];
        string[] labels = ["red", "green", "blue"];
        CollectionAssert.AreEqual(scores.Select(row => labels[Array.IndexOf(row, row.Max())]).ToArray(), classified.GetColumn<string>("PredictedLabel").ToArray());
    }

    [TestMethod]
    public void AModelFromNothing()
    {
        using MetaMorphTransformer model = FromNothing.Model(Ml, _world.Encoded, steps: 1);
        Assert.AreEqual((4, 8), (model.VisualTokenCount, model.VisualTokenWidth));
        Assert.IsLessThanOrEqualTo(400, model.Tokenizer.VocabularySize);
    }

    [TestMethod]
    public void ConnectorFirstEverythingThen()
    {
        using MetaMorphTransformer model = TwoStages.Run(Ml, _world.Encoded, _world.Encoded, _world.ModelFolder, batchSize: 4);
        Assert.AreEqual(_world.Model.Tokenizer.VocabularySize, model.Tokenizer.VocabularySize);
    }

    [TestMethod]
    public void AValidatedChainIsSaved()
    {
        var log = new List<string>();
        var ml = new MLContext(seed: 1);
        ml.Log += (_, entry) => log.Add(entry.Message);
        // All rows twice, so that either part has some.
        IDataView rows = ml.Data.LoadFromEnumerable(Enumerable.Repeat(_world.Questions, 8).SelectMany(question => question));
        Validation.Run(ml, rows, _world.Encoder, TinyWorld.Options(), _world.File("validated.zip"));
        Assert.IsTrue(log.Any(line => line.Contains("Validation: language", StringComparison.Ordinal)));
        ITransformer loaded = ml.Model.Load(_world.File("validated.zip"), out DataViewSchema schema);
        Assert.IsNotNull(schema.GetColumnOrNull("PromptImage"));
        ((IDisposable)loaded).Dispose();
    }

    [TestMethod]
    public void ABudgetEndsATraining()
    {
        VisualPredictiveInstructionTuningTrainer.Options options = TinyWorld.Options();
        using MetaMorphTransformer model = Budget.Run(new MLContext(seed: 1), _world.Encoded, options, TimeSpan.FromMinutes(10), CancellationToken.None);
        using MetaMorphTransformer cancelled = Budget.Run(new MLContext(seed: 1), _world.Encoded, options, TimeSpan.FromMinutes(10), new CancellationToken(canceled: true));
        Assert.AreEqual(model.VisualTokenCount, cancelled.VisualTokenCount);
    }

    [TestMethod]
    public void TrainingGoesOn()
    {
        using MetaMorphTransformer better = GoingOn.Run(Ml, _world.Encoded, _world.Model);
        Assert.AreEqual(_world.Model.Tokenizer.VocabularySize, better.Tokenizer.VocabularySize);
    }

    [TestMethod]
    public void FoldersAreWrittenAndOpened()
    {
        using MetaMorphTransformer same = Folders.Run(Ml, _world.Model, _world.Encoder, _world.Encoded, _world.File("folders"));
        Assert.AreEqual((4, 8), (same.VisualTokenCount, same.VisualTokenWidth));
        foreach (string name in new[] { "metamorph/config.json", "metamorph/model.safetensors", "metamorph/tokenizer.json", "encoder/config.json", "encoder/preprocessor_config.json", "encoder/model.safetensors" })
            Assert.IsTrue(File.Exists(Path.Combine(_world.File("folders"), name)), name);
    }

    [TestMethod]
    public void AnswersAreSampledAndPicturesForced()
    {
        using MetaMorphTransformer playful = Decoding.Sampled(_world.Model);
        CollectionAssert.AreEqual(Responses(playful), Responses(playful));
        using MetaMorphTransformer artist = Decoding.Picture(_world.Model);
        foreach (string response in Responses(artist)) StringAssert.StartsWith(response, "<image>");
    }

    [TestMethod]
    public async Task AnswersAreStreamedAndConversed()
    {
        float[] tokens = new float[4 * 8];
        Array.Fill(tokens, 0.35f);
        var screen = new StringWriter();
        GeneratedResponse answer = await Streaming.Stream(_world.Model, tokens, screen, CancellationToken.None);
        Assert.AreEqual(screen.ToString(), answer.Text);
        using MetaMorphResponder responder = _world.Model.CreateResponder();
        StringAssert.StartsWith((await Streaming.Converse(responder, tokens)).Text, "<image>");
    }

    [TestMethod]
    public void ATokenizerIsTrainedFromAColumn()
    {
        LanguageTokenizer trained = TrainedTokenizer.Run(Ml, _world.Rows, _world.File("tokenizer"));
        Assert.AreEqual(trained.VocabularySize, LanguageTokenizer.Load(_world.File("tokenizer")).VocabularySize);
    }

    [TestMethod]
    public void ErrorsAndLogProbabilitiesAreColumns()
    {
        using MetaMorphTransformer model = Errors.Run(Ml, _world.Encoded, _world.ModelFolder);
        using MetaMorphTransformer brief = model.WithGeneration(new GenerationOptions { MaxNewTokens = 2 });
        IDataView answered = brief.Transform(_world.Encoded);
        Assert.IsTrue(answered.GetColumn<string>("Error").All(string.IsNullOrEmpty));
        Assert.IsTrue(answered.GetColumn<float[]>("LogProbabilities").SelectMany(values => values).All(value => value <= 0));
    }

    [TestMethod]
    public void PicturesThatCannotBeReadStandInAColumnBehindACache()
    {
        Question[] questions = [.. _world.Questions, new Question { Prompt = "<image>?", Response = "no", PromptImage = _world.File("none.png") }];
        IDataView cached = Errors.RunCached(Ml, Ml.Data.LoadFromEnumerable(questions), _world.Encoder);
        string[] errors = [.. cached.GetColumn<string>("ImageError")];
        Assert.IsTrue(errors[..^1].All(string.IsNullOrEmpty));
        StringAssert.StartsWith(errors[^1], "Row 4, column 'PromptImage', picture 1: ");
        CollectionAssert.AreEqual(new[] { 32, 32, 64, 0, 0 }, cached.GetColumn<float[]>("VisualTokens").Select(tokens => tokens.Length).ToArray());
    }

    [TestMethod]
    public void SeveralThreadsShareAModel()
    {
        string zip = _world.File("ten-lines-threads.zip");
        TenLines.Run(_world.EncoderFolder, _world.ModelFolder, _world.Questions, zip, _world.Pictures[0]);
        Answer[] answers = Threads.Run(new MLContext(seed: 1), zip, _world.Questions);
        Answer[] expected = Answers(zip, _world.Questions);
        Assert.HasCount(expected.Length, answers);
        for (int i = 0; i < answers.Length; i++) AssertSame(expected[i], answers[i], $"question {i}");
    }

    /// <summary>What a model zip answers, question by question, on one thread and without a prediction engine.</summary>
    private static Answer[] Answers(string zip, IEnumerable<Question> questions)
    {
        var ml = new MLContext(seed: 1);
        ITransformer loaded = ml.Model.Load(zip, out _);
        Answer[] answers = [.. questions.SelectMany(question => ml.Data.CreateEnumerable<Answer>(loaded.Transform(ml.Data.LoadFromEnumerable([question])), reuseRowObject: false))];
        ((IDisposable)loaded).Dispose();
        return answers;
    }

    private static void AssertSame(Answer expected, Answer actual, string what)
    {
        Assert.AreEqual(expected.PredictedResponse, actual.PredictedResponse, what);
        Assert.AreNotEqual("", actual.PredictedResponse, what);
        // A picture is four tokens, each eight wide.
        Assert.HasCount(actual.PredictedResponse.Split("<image>").Length - 1, actual.ResponseVisualTokens.Chunk(4 * 8).ToArray(), what);
        Assert.HasCount(expected.ResponseVisualTokens.Length, actual.ResponseVisualTokens, what);
        for (int i = 0; i < expected.ResponseVisualTokens.Length; i++) Assert.AreEqual(expected.ResponseVisualTokens[i], actual.ResponseVisualTokens[i], 1e-5f, $"{what}, value {i}");
    }

    private static string[] Responses(MetaMorphTransformer model) => [.. model.Transform(_world.Encoded).GetColumn<string>("PredictedResponse")];
}
