using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Vectors of pictures and texts, and zero-shot classification, as ML.NET transformers over the folders of the reference cases.</summary>
[TestClass]
public sealed class EmbeddingTests : FolderTests
{
    private static readonly string[] Labels = ["red square", "blue dot", "green line"];

    private readonly MLContext _ml = new(seed: 1);

    public static IEnumerable<object[]> Folders() => ReferenceCase.Own("siglip-folder").Select(c => new object[] { c.Name });

    [TestMethod]
    [DynamicData(nameof(Folders))]
    public void TheyPassTheWorkout(string name)
    {
        using LanguageImageEncoder encoder = Open(name);
        IDataView data = TinyModels.Captions(_ml, 9);
        EstimatorWorkout.Run(_ml, _ml.MetaMorph().EmbedImages("Vector", "Image", encoder, batchSize: 3), data, ["Vector"]).Dispose();
        EstimatorWorkout.Run(_ml, _ml.MetaMorph().EmbedTexts("Vector", "Caption", encoder, batchSize: 3), data, ["Vector"]).Dispose();
        EstimatorWorkout.Run(_ml, _ml.MetaMorph().ClassifyZeroShot("PredictedLabel", "Image", encoder, Labels, batchSize: 3), data, ["PredictedLabel", "Score", "Probability"]).Dispose();
    }

    [TestMethod]
    [DynamicData(nameof(Folders))]
    public void VectorsAreTheReferences(string name)
    {
        ReferenceCase reference = ReferenceCase.OwnCase(name);
        using LanguageImageEncoder encoder = Open(name);
        IDataView data = Rows(reference);
        using EmbedImagesTransformer images = _ml.MetaMorph().EmbedImages("Vector", "Path", encoder, reference.Folder).Fit(data);
        using EmbedTextsTransformer texts = _ml.MetaMorph().EmbedTexts("Vector", "Text", encoder).Fit(data);
        foreach ((BatchTransformer transformer, string figure) in new (BatchTransformer, string)[] { (images, "image_embeds"), (texts, "text_embeds") })
        {
            var type = (VectorDataViewType)transformer.GetOutputSchema(data.Schema)["Vector"].Type;
            Assert.AreEqual(encoder.VectorLength, type.Size);
            float[] found = [.. ColumnValues.Rows(transformer.Transform(data), ["Vector"]).SelectMany(row => (float[])row[0]!)], expected = reference[figure].data<float>().ToArray();
            Assert.HasCount(expected.Length, found);
            for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], found[i], reference.Tolerance, $"{figure}, value {i}");
        }
    }

    [TestMethod]
    [DynamicData(nameof(Folders))]
    public void ZeroShotGivesKeysScoresAndProbabilities(string name)
    {
        ReferenceCase reference = ReferenceCase.OwnCase(name);
        string[] labels = SiglipFolderCheck.Texts(reference, "labels");
        using LanguageImageEncoder encoder = Open(name);
        IDataView data = Rows(reference);
        var options = new ClassifyZeroShotEstimator.Options { Encoder = encoder, InputColumnName = "Path", ImageFolder = reference.Folder, Labels = labels, Templates = SiglipFolderCheck.Texts(reference, "templates") };
        using ClassifyZeroShotTransformer transformer = _ml.MetaMorph().ClassifyZeroShot(options).Fit(data);
        IDataView classified = transformer.Transform(data);
        IDataView view = _ml.Transforms.Conversion.MapKeyToValue("Name", "PredictedLabel").Fit(classified).Transform(classified);
        foreach (string column in new[] { "Score", "Probability" })
        {
            VBuffer<ReadOnlyMemory<char>> slots = default;
            view.Schema[column].GetSlotNames(ref slots);
            CollectionAssert.AreEqual(labels, slots.DenseValues().Select(slot => slot.ToString()).ToArray(), column);
        }

        float[] logits = reference["zero_shot.logits"].data<float>().ToArray(), probabilities = reference["zero_shot.probabilities"].data<float>().ToArray();
        List<object?[]> rows = ColumnValues.Rows(view, ["PredictedLabel", "Name", "Score", "Probability"]);
        for (int row = 0; row < rows.Count; row++)
        {
            float[] expected = logits[(row * labels.Length)..((row + 1) * labels.Length)];
            int best = Array.IndexOf(expected, expected.Max());
            Assert.AreEqual(((uint)best + 1, labels[best]), ((uint)rows[row][0]!, (string)rows[row][1]!), $"row {row}");
            for (int label = 0; label < labels.Length; label++)
            {
                Assert.AreEqual(expected[label], ((float[])rows[row][2]!)[label], 10 * reference.Tolerance, $"score of row {row}, {labels[label]}");
                Assert.AreEqual(probabilities[row * labels.Length + label], ((float[])rows[row][3]!)[label], 10 * reference.Tolerance, $"probability of row {row}, {labels[label]}");
            }
        }
    }

    [TestMethod]
    public void APredictionEngineClassifies()
    {
        ReferenceCase reference = ReferenceCase.Own("siglip-folder").First();
        using LanguageImageEncoder encoder = Open(reference.Name);
        IDataView data = TinyModels.Captions(_ml, 3);
        using ClassifyZeroShotTransformer transformer = _ml.MetaMorph().ClassifyZeroShot("PredictedLabel", "Image", encoder, Labels).Fit(data);
        List<object?[]> expected = ColumnValues.Rows(transformer.Transform(data), ["PredictedLabel", "Probability"]);
        _ml.Model.Save(transformer, data.Schema, Folder["model.zip"]);
        ITransformer loaded = new MLContext().Model.Load(Folder["model.zip"], out _);
        using PredictionEngine<TinyModels.CaptionRow, Prediction> engine = _ml.Model.CreatePredictionEngine<TinyModels.CaptionRow, Prediction>(loaded, data.Schema);
        for (int i = 0; i < 3; i++)
        {
            Prediction answer = engine.Predict(new TinyModels.CaptionRow { Image = TinyModels.Picture(i) });
            ColumnValues.AssertEqual([expected[i]], [[answer.PredictedLabel, answer.Probability]], 1e-5, $"row {i}");
        }
    }

    /// <summary>What is saved is a folder of the published layout: the same names, the same kind, the tokenizer's own files.</summary>
    [TestMethod]
    [DynamicData(nameof(Folders))]
    public void AFolderIsSavedAsItWasPublished(string name)
    {
        ReferenceCase reference = ReferenceCase.OwnCase(name);
        IDataView data = Rows(reference);
        using (LanguageImageEncoder encoder = Open(name)) encoder.Save(Folder.Path);
        CollectionAssert.AreEquivalent(PlainSafeTensors.Read(reference.Path("model.safetensors")).Keys.ToArray(), PlainSafeTensors.Read(WeightsFile).Keys.ToArray());
        foreach (string file in new[] { "tokenizer.json", "tokenizer_config.json" }) CollectionAssert.AreEqual(File.ReadAllBytes(reference.Path(file)), File.ReadAllBytes(Folder[file]), file);
        using LanguageImageEncoder published = Open(name), saved = LanguageImageEncoder.Load(Folder.Path, new LanguageImageEncoderOptions { Precision = Precision.Float32 });
        Assert.AreEqual(published.Model.Settings.Towers, saved.Model.Settings.Towers);
        using EmbedImagesTransformer first = _ml.MetaMorph().EmbedImages("Vector", "Path", published, reference.Folder).Fit(data);
        using EmbedImagesTransformer second = _ml.MetaMorph().EmbedImages("Vector", "Path", saved, reference.Folder).Fit(data);
        ColumnValues.AssertEqual(ColumnValues.Rows(first.Transform(data), ["Vector"]), ColumnValues.Rows(second.Transform(data), ["Vector"]), 1e-6, "saved");
    }

    [TestMethod]
    public void ARowWithoutOnePictureIsItsOwnError()
    {
        using LanguageImageEncoder encoder = Open(ReferenceCase.Own("siglip-folder").First().Name);
        IDataView data = _ml.Data.LoadFromEnumerable([new PictureRow { Image = TinyModels.Picture(0) }, new PictureRow()]);
        using EmbedImagesTransformer transformer = _ml.MetaMorph().EmbedImages("Vector", "Image", encoder).Fit(data);
        using DataViewRowCursor cursor = transformer.Transform(data).GetRowCursor([transformer.GetOutputSchema(data.Schema)["Vector"]]);
        Func<object?> read = ColumnValues.Reader(cursor, cursor.Schema["Vector"]);
        Assert.IsTrue(cursor.MoveNext());
        Assert.HasCount(encoder.VectorLength, (float[])read()!);
        Assert.IsTrue(cursor.MoveNext());
        Assert.AreEqual(
            "Row 1, column 'Image': 0 pictures; a vector is that of exactly 1 picture. Leave rows without one out in front of this step, and give rows of several a column for each.",
            Assert.ThrowsExactly<InvalidDataException>(() => read()).Message);
    }

    /// <summary>With an error column the row says what is wrong there, and has missing values, which ML.NET's trainers pass over, also behind a cache.</summary>
    [TestMethod]
    public void AnErrorColumnTellsWhatIsWrong()
    {
        using LanguageImageEncoder encoder = Open(ReferenceCase.Own("siglip-folder").First().Name);
        IDataView data = _ml.Data.LoadFromEnumerable([new PictureRow { Image = TinyModels.Picture(0) }, new PictureRow(), new PictureRow { Image = TinyModels.Picture(1) }]);
        const string None = "Row 1, column 'Image': 0 pictures; a vector is that of exactly 1 picture. Leave rows without one out in front of this step, and give rows of several a column for each.";
        using EmbedImagesTransformer embedding = _ml.MetaMorph().EmbedImages(new EmbedImagesEstimator.Options { Encoder = encoder, ErrorColumnName = "Error" }).Fit(data);
        List<object?[]> vectors = ColumnValues.Rows(_ml.Data.Cache(embedding.Transform(data), "Vector", "Error"), ["Vector", "Error"]);
        CollectionAssert.AreEqual(new[] { "", None, "" }, vectors.Select(row => (string)row[1]!).ToArray());
        CollectionAssert.AreEqual(new[] { false, true, false }, vectors.Select(row => ((float[])row[0]!).All(float.IsNaN)).ToArray());
        CollectionAssert.AreEqual(vectors.Select(row => (string)row[1]!).ToArray(), ColumnValues.Rows(embedding.Transform(data), ["Error"]).Select(row => (string)row[0]!).ToArray(), "errors alone");

        using ClassifyZeroShotTransformer classifying = _ml.MetaMorph().ClassifyZeroShot(new ClassifyZeroShotEstimator.Options { Encoder = encoder, Labels = Labels, ErrorColumnName = "Error" }).Fit(data);
        List<object?[]> classes = ColumnValues.Rows(classifying.Transform(data), ["PredictedLabel", "Score", "Probability", "Error"]);
        CollectionAssert.AreEqual(new[] { "", None, "" }, classes.Select(row => (string)row[3]!).ToArray());
        Assert.AreEqual(0u, (uint)classes[1][0]!);
        Assert.IsTrue(((float[])classes[1][1]!).All(float.IsNaN) && ((float[])classes[1][2]!).All(float.IsNaN));
        Assert.IsTrue(classes[0][0] is > 0u and <= 3u && classes[2][0] is > 0u and <= 3u, $"{classes[0][0]}, {classes[2][0]}");
    }

    /// <summary>A text that the step in front cannot give is the error of its own row, in its column or where its vector is asked for; the others of its batch have theirs.</summary>
    [TestMethod]
    public void ATextThatCannotBeReadIsItsOwnError()
    {
        using LanguageImageEncoder encoder = Open(ReferenceCase.Own("siglip-folder").First().Name);
        using MetaMorphTransformer model = EncodedRow.Train(_ml, EncodedRow.Rows(_ml, 4));
        IDataView Answers(params EncodedRow[] rows) => model.Transform(_ml.Data.LoadFromEnumerable(rows));
        IDataView data = Answers(new EncodedRow { Prompt = "Say yes." }, new EncodedRow { Prompt = "<image>?" }, new EncodedRow { Prompt = "a" });
        const string Broken = "Row 1, column 'Prompt': there are 1 <image> marks, but the column 'VisualTokens' holds 0 pictures. Give every mark its picture, prompts first; if EncodeImages has an ErrorColumnName, that column says whether a picture could not be read.";
        using EmbedTextsTransformer telling = _ml.MetaMorph().EmbedTexts(new EmbedTextsEstimator.Options { InputColumnName = "PredictedResponse", Encoder = encoder, ErrorColumnName = "Error" }).Fit(data);
        List<object?[]> rows = ColumnValues.Rows(telling.Transform(data), ["Vector", "Error"]);
        CollectionAssert.AreEqual(new[] { "", Broken, "" }, rows.Select(row => (string)row[1]!).ToArray());
        CollectionAssert.AreEqual(new[] { "", Broken, "" }, ColumnValues.Rows(telling.Transform(data), ["Error"]).Select(row => (string)row[0]!).ToArray(), "errors alone");
        Assert.IsTrue(((float[])rows[1][0]!).All(float.IsNaN));
        List<object?[]> expected = ColumnValues.Rows(telling.Transform(Answers(new EncodedRow { Prompt = "Say yes." }, new EncodedRow { Prompt = "a" })), ["Vector"]);
        ColumnValues.AssertEqual(expected, [[rows[0][0]], [rows[2][0]]], 1e-5, "the rows beside it");

        _ml.Model.Save(telling, data.Schema, Folder["texts.zip"]);
        using var loaded = (EmbedTextsTransformer)_ml.MetaMorph().LoadModel(Folder["texts.zip"], out _);
        CollectionAssert.AreEqual(new[] { "", Broken, "" }, ColumnValues.Rows(loaded.Transform(data), ["Error"]).Select(row => (string)row[0]!).ToArray(), "loaded");

        using EmbedTextsTransformer strict = _ml.MetaMorph().EmbedTexts("Vector", "PredictedResponse", encoder).Fit(data);
        using DataViewRowCursor cursor = strict.Transform(data).GetRowCursor([strict.GetOutputSchema(data.Schema)["Vector"]]);
        Func<object?> read = ColumnValues.Reader(cursor, cursor.Schema["Vector"]);
        Assert.IsTrue(cursor.MoveNext() && read() is float[] && cursor.MoveNext());
        Assert.AreEqual(Broken, Assert.ThrowsExactly<InvalidDataException>(() => read()).Message);
        Assert.IsTrue(cursor.MoveNext());
        ColumnValues.AssertEqual([[rows[2][0]]], [[read()]], 1e-6, "the row behind it");
    }

    [TestMethod]
    public void NamesOfErrorColumns()
    {
        using LanguageImageEncoder encoder = Open(ReferenceCase.Own("siglip-folder").First().Name);
        string Texts(string? error) => Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().EmbedTexts(new EmbedTextsEstimator.Options { Encoder = encoder, ErrorColumnName = error })).Message;
        Assert.AreEqual("ErrorColumnName is empty; name a column, or set it to null for none.", Texts(""));
        Assert.AreEqual("Two columns would be appended as 'Vector'.", Texts("Vector"));
        Assert.AreEqual("InputColumnName, which is read, and ErrorColumnName, which is appended, are both 'Text', so the appended column would hide the other. Give one of them another name.", Texts("Text"));
        IDataView data = TinyModels.Captions(_ml, 9);
        EstimatorWorkout.Run(_ml, _ml.MetaMorph().EmbedTexts(new EmbedTextsEstimator.Options { InputColumnName = "Caption", Encoder = encoder, BatchSize = 3, ErrorColumnName = "Error" }), data, ["Vector", "Error"]).Dispose();
    }

    [TestMethod]
    public void LabelsAndTemplatesThatCannotBeAreNamed()
    {
        using LanguageImageEncoder encoder = Open(ReferenceCase.Own("siglip-folder").First().Name);
        string Refusal(string[] labels, string[]? templates = null) => Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().ClassifyZeroShot("PredictedLabel", "Image", encoder, labels, templates)).Message;
        Assert.AreEqual("Labels is empty; it must be a list of at least one label.", Refusal([]));
        Assert.AreEqual("Labels[1] is empty; each entry must be a label.", Refusal(["a", " "]));
        Assert.AreEqual("Labels[0] and Labels[2] are both 'a'; each label may stand there once.", Refusal(["a", "b", "a"]));
        Assert.AreEqual("Templates is empty; it must be a list of at least one sentence with {0} for the label.", Refusal(["a"], []));
        Assert.AreEqual("Templates[1] is 'a photo'; each template must hold {0}, where the label is put in.", Refusal(["a"], ["{0}", "a photo"]));
        Assert.AreEqual("Two columns would be appended as 'Score'.", Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().ClassifyZeroShot("Score", "Image", encoder, ["a"])).Message);
        Assert.AreEqual("BatchSize is 0; it must be at least 1 and at most 65536. (Parameter 'BatchSize')", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => _ml.MetaMorph().EmbedTexts("Vector", "Text", encoder, batchSize: 0)).Message);
        Assert.AreEqual("There is no column 'Text' (texts). The columns are: Image, Caption.", Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().EmbedTexts("Vector", "Text", encoder).Fit(TinyModels.Captions(_ml, 1))).Message);
    }

    [TestMethod]
    public void FoldersThatCannotBeAreNamed()
    {
        ReferenceCase reference = ReferenceCase.Own("siglip-folder").First();
        foreach (string file in new[] { "config.json", "preprocessor_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json" }) File.Copy(reference.Path(file), Folder[file]);
        string config = File.ReadAllText(Folder["config.json"]);
        using (LanguageImageEncoder.Load(Folder.Path))
        {
        }

        File.WriteAllText(Folder["config.json"], """{"model_type": "siglip_vision_model"}""");
        Assert.AreEqual(
            $"'{Folder["config.json"]}': model_type \"siglip_vision_model\" is not a whole SigLIP (\"siglip\", or \"siglip2\" where pictures keep their shape): it has no text tower.",
            Assert.ThrowsExactly<InvalidDataException>(() => LanguageImageEncoder.Load(Folder.Path)).Message);
        File.WriteAllText(Folder["config.json"], config.Replace("\"vocab_size\": ", "\"vocab_size\": 1, \"was\": "));
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => LanguageImageEncoder.Load(Folder.Path)).Message, "but the text tower of config.json knows 1 (vocab_size). They do not belong together; give the tokenizer that the tower was trained with.");
        File.WriteAllText(Folder["config.json"], config);
        File.Delete(Folder["tokenizer.json"]);
        Exception missing = Assert.Throws<Exception>(() => LanguageImageEncoder.Load(Folder.Path));
        StringAssert.Contains(missing.Message, "tokenizer.json");
        using LanguageImageEncoder given = LanguageImageEncoder.Load(Folder.Path, new LanguageImageEncoderOptions { Tokenizer = LanguageTokenizer.Load(reference.Folder) });
        Assert.AreEqual(16, given.VectorLength);
    }

    private static LanguageImageEncoder Open(string name) => LanguageImageEncoder.Load(ReferenceCase.OwnCase(name).Folder, new LanguageImageEncoderOptions { Precision = Precision.Float32 });

    private IDataView Rows(ReferenceCase reference)
        => _ml.Data.LoadFromEnumerable(SiglipFolderCheck.Texts(reference, "captions").Select((text, i) => new PathRow { Path = $"picture-{i}.png", Text = text }));

    private sealed class PathRow
    {
        public string Path { get; set; } = "";

        public string Text { get; set; } = "";
    }

    private sealed class PictureRow
    {
        [ImageType(16, 16)]
        public MLImage? Image { get; set; }
    }

    private sealed class Prediction
    {
        public uint PredictedLabel { get; set; }

        public float[] Probability { get; set; } = [];
    }
}
