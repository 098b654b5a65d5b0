using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>
/// An encoder that learned from captions by the sigmoid loss, and what ordinary ML.NET does with its vectors. Every row of the training is another
/// caption: pairs that are not in the same row count as unlike.
/// </summary>
[TestClass]
public sealed class EmbeddingTrainersTests : FolderTests
{
    private static readonly string[] Colours = ["red", "green", "blue", "yellow"];

    private static readonly LanguageImagePretrainingOptions Training = TinyModels.Encoder with
    {
        Width = 16,
        CaptionWeight = 0,
        ContrastiveWeight = 1,
        TextLayerCount = 1,
        BatchSize = 4,
        MaximumSteps = 150,
        LearningRate = 5e-3,
    };

    private readonly MLContext _ml = new(seed: 1);

    /// <summary>Zero-shot, linear probe and clusters, on pictures whose noise was not learned.</summary>
    [TestMethod]
    public void VectorsFeedOrdinaryTrainers()
    {
        using EncodeImagesTransformer trained = Train(Options());
        using LanguageImageEncoder encoder = trained.LanguageImageEncoder!;
        IDataView seen = Rows(40, seed: 1), unseen = Rows(40, seed: 2);
        using ClassifyZeroShotTransformer zeroShot = _ml.MetaMorph().ClassifyZeroShot("PredictedLabel", "Image", encoder, Colours, ["a {0} square"]).Fit(unseen);
        IDataView classified = zeroShot.Transform(unseen);
        Assert.AreEqual(40, Right(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabel").Fit(classified).Transform(classified)), "zero-shot");

        var probe = _ml.Transforms.Conversion.MapValueToKey("Label", "Colour").Append(_ml.MetaMorph().EmbedImages("Vector", "Image", encoder)).AppendCacheCheckpoint(_ml)
            .Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy("Label", "Vector"))
            .Append(_ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        Assert.AreEqual(40, Right(probe.Fit(seen).Transform(unseen)), "linear probe");

        var clusters = _ml.MetaMorph().EmbedImages("Vector", "Image", encoder).AppendCacheCheckpoint(_ml)
            .Append(_ml.Clustering.Trainers.KMeans("Vector", numberOfClusters: 4));
        List<object?[]> rows = ColumnValues.Rows(clusters.Fit(seen).Transform(unseen), ["Colour", "PredictedLabel"]);
        Assert.HasCount(4, rows.Select(row => ((string)row[0]!, (uint)row[1]!)).Distinct().ToArray(), "each colour is one cluster");
        Assert.HasCount(4, rows.Select(row => (uint)row[1]!).Distinct().ToArray(), "each cluster is one colour");
    }

    /// <summary>The vectors of the four captions lie nearest to those of their own pictures.</summary>
    [TestMethod]
    public void TextsAndPicturesMeetInOneSpace()
    {
        using EncodeImagesTransformer trained = Train(Options());
        using LanguageImageEncoder encoder = trained.LanguageImageEncoder!;
        IDataView data = Rows(4, seed: 3);
        using EmbedImagesTransformer images = _ml.MetaMorph().EmbedImages("Vector", "Image", encoder).Fit(data);
        using EmbedTextsTransformer texts = _ml.MetaMorph().EmbedTexts("Vector", "Caption", encoder).Fit(data);
        float[][] pictures = Vectors(images, data), captions = Vectors(texts, data);
        for (int i = 0; i < 4; i++)
        {
            double[] cosines = [.. captions.Select(caption => caption.Zip(pictures[i], (a, b) => (double)a * b).Sum())];
            Assert.AreEqual(i, Array.IndexOf(cosines, cosines.Max()), $"picture {i}: {string.Join(", ", cosines)}");
            Assert.AreEqual(1, Math.Sqrt(pictures[i].Sum(v => (double)v * v)), 1e-5);
        }
    }

    /// <summary>A published folder learns on by its own loss, through its own tokenizer, and is saved in the published layout.</summary>
    [TestMethod]
    [DynamicData(nameof(Folders))]
    public void APublishedFolderLearnsOnFromOwnPairs(string name)
    {
        ReferenceCase reference = ReferenceCase.OwnCase(name);
        var losses = new List<double>();
        LanguageImagePretrainingTrainer.Options options = Options();
        options.PretrainedFolder = reference.Folder;
        options.TokenizerTraining = null;
        options.Training = Training with { MaximumSteps = 40, LearningRate = 3e-3 };
        options.Progress = new Reports(losses);
        using EncodeImagesTransformer trained = Train(options);
        Assert.HasCount(40, losses);
        Assert.IsLessThan(losses[0] / 2, losses[^1], string.Join(", ", losses));
        using LanguageImageEncoder encoder = trained.LanguageImageEncoder!;
        encoder.Save(Folder.Path);
        CollectionAssert.AreEqual(File.ReadAllBytes(reference.Path("tokenizer.json")), File.ReadAllBytes(Folder["tokenizer.json"]));
        CollectionAssert.AreEquivalent(PlainSafeTensors.Read(reference.Path("model.safetensors")).Keys.ToArray(), PlainSafeTensors.Read(WeightsFile).Keys.ToArray());
        using LanguageImageEncoder opened = LanguageImageEncoder.Load(Folder.Path, new LanguageImageEncoderOptions { Precision = Precision.Float32 });
        IDataView data = Rows(4, seed: 5);
        using EmbedImagesTransformer before = _ml.MetaMorph().EmbedImages("Vector", "Image", encoder).Fit(data);
        using EmbedImagesTransformer after = _ml.MetaMorph().EmbedImages("Vector", "Image", opened).Fit(data);
        ColumnValues.AssertEqual(ColumnValues.Rows(before.Transform(data), ["Vector"]), ColumnValues.Rows(after.Transform(data), ["Vector"]), 1e-5, "saved");
    }

    public static IEnumerable<object[]> Folders() => ReferenceCase.Own("siglip-folder").Select(c => new object[] { c.Name });

    [TestMethod]
    public void ATextTowerWithoutItsTokenizerIsRefused()
    {
        ReferenceCase reference = ReferenceCase.Own("siglip-folder").First();
        foreach (string file in new[] { "config.json", "preprocessor_config.json", "model.safetensors" }) File.Copy(reference.Path(file), Folder[file]);
        LanguageImagePretrainingTrainer.Options options = Options();
        options.PretrainedFolder = Folder.Path;
        Assert.AreEqual(
            $"'{Folder.Path}' has a text tower, which knows the tokens of its own tokenizer alone, but no tokenizer.json. Give that tokenizer (Tokenizer), or set ContrastiveWeight to 0, which leaves the text tower out.",
            Assert.ThrowsExactly<FileNotFoundException>(() => Train(options)).Message);
    }

    private static LanguageImagePretrainingTrainer.Options Options() => new()
    {
        Training = Training,
        TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 },
    };

    private EncodeImagesTransformer Train(LanguageImagePretrainingTrainer.Options options)
        => _ml.MetaMorph().Trainers.LanguageImagePretraining(options).Fit(Rows(4, seed: 0));

    private IDataView Rows(int count, int seed)
    {
        var random = new Random(seed);
        return _ml.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => new ColourRow { Image = Picture(i % 4, random), Caption = $"a {Colours[i % 4]} square", Colour = Colours[i % 4] }).ToArray());
    }

    private static int Right(IDataView view)
        => ColumnValues.Rows(view, ["Colour", "PredictedLabel"]).Count(row => (string)row[0]! == (string)row[1]!);

    private static float[][] Vectors(ITransformer transformer, IDataView data)
        => [.. ColumnValues.Rows(transformer.Transform(data), ["Vector"]).Select(row => (float[])row[0]!)];

    private static MLImage Picture(int colour, Random random)
    {
        var pixels = new byte[16 * 16 * 4];
        for (int p = 0; p < pixels.Length; p += 4)
        {
            byte Level(bool on) => (byte)((on ? 190 : 20) + random.Next(45));
            (pixels[p], pixels[p + 1], pixels[p + 2], pixels[p + 3]) = (Level(colour == 2), Level(colour is 1 or 3), Level(colour is 0 or 3), 255);
        }

        return MLImage.CreateFromPixels(16, 16, MLPixelFormat.Bgra32, pixels);
    }

    private sealed class Reports(List<double> losses) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => losses.Add(value.Loss);
    }

    private sealed class ColourRow
    {
        [ImageType(16, 16)]
        public MLImage? Image { get; set; }

        public string Caption { get; set; } = "";

        public string Colour { get; set; } = "";
    }
}
