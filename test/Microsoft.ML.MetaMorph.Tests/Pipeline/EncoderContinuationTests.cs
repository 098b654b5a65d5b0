namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Training goes on from an encoder, as it does from a MetaMorph.</summary>
[TestClass]
public sealed class EncoderContinuationTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestMethod]
    public void ThePreviousEncoderStaysAsItIs()
    {
        IDataView data = TinyModels.Captions(_ml, 8);
        using EncodeImagesTransformer first = TinyModels.TrainEncoder(_ml);
        Dictionary<string, float[]> before = Weights(first);
        using EncodeImagesTransformer second = Trainer(TinyModels.Encoder).Fit(data, first);
        foreach ((string name, float[] values) in Weights(first)) CollectionAssert.AreEqual(before[name], values, name);
        Dictionary<string, float[]> after = Weights(second);
        CollectionAssert.AreEquivalent(before.Keys.ToArray(), after.Keys.ToArray());
        Assert.IsTrue(after.Any(entry => !entry.Value.SequenceEqual(before[entry.Key])));
        using EncodeImagesTransformer third = Trainer(TinyModels.Encoder).Fit(data, second);
        Assert.IsTrue(Weights(third).Any(entry => !entry.Value.SequenceEqual(after[entry.Key])));
    }

    /// <summary>An unnoticeable rate changes nothing: the start is the previous encoder, not a fresh one.</summary>
    [TestMethod]
    public void ItsWeightsAreTheStart()
    {
        IDataView data = TinyModels.Captions(_ml, 8);
        using EncodeImagesTransformer first = TinyModels.TrainEncoder(_ml);
        using EncodeImagesTransformer second = Trainer(TinyModels.Encoder with { LearningRate = 1e-12 }).Fit(data, first);
        AssertSameTokens(first, second, data);
    }

    /// <summary>Sizes, number of tokens and preprocessing are the previous encoder's, whatever the options say.</summary>
    [TestMethod]
    public void ItsSizesHold()
    {
        IDataView data = TinyModels.Captions(_ml, 8);
        using EncodeImagesTransformer first = TinyModels.TrainEncoder(_ml);
        LanguageImagePretrainingOptions other = TinyModels.Encoder with { ImageSize = 24, PatchSize = 6, Width = 12, LayerCount = 3, HeadCount = 3, VisualTokenCount = 16, LearningRate = 1e-12 };
        var options = new LanguageImagePretrainingTrainer.Options { Training = other, AspectRatio = ImageAspectRatio.Pad, TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 } };
        using EncodeImagesTransformer second = _ml.MetaMorph().Trainers.LanguageImagePretraining(options).Fit(data, first);
        using ImageEncoder encoder = second.Encoder;
        Assert.AreEqual((4, 8, 16), (encoder.VisualTokenCount, encoder.VisualTokenWidth, encoder.ImageSize));
        Assert.AreEqual(ImageAspectRatio.Square, second.Model.Settings.Preprocessing.AspectRatio);
        AssertSameTokens(first, second, data);
    }

    /// <summary>The captioning decoder reads the tokens as the previous encoder makes them.</summary>
    [TestMethod]
    public void ItsTokensHold()
    {
        using var folder = new ScratchFolder();
        IDataView data = TinyModels.Captions(_ml, 8);
        using (EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml))
        using (ImageEncoder encoder = trained.Encoder) encoder.Save(folder.Path);
        using ImageEncoder joined = ImageEncoder.Load(folder.Path, new ImageEncoderOptions { TokenReduction = "concat_interpolation", VisualTokenCount = 1, Normalize = false, Precision = Precision.Float32 });
        using EncodeImagesTransformer first = _ml.MetaMorph().EncodeImages("VisualTokens", "Image", joined).Fit(data);
        using EncodeImagesTransformer second = Trainer(TinyModels.Encoder with { LearningRate = 1e-12 }).Fit(data, first);
        Assert.AreEqual(first.Model.Settings.Tokens, second.Model.Settings.Tokens);
        AssertSameTokens(first, second, data);
    }

    [TestMethod]
    public void ValidationRowsAreScored()
    {
        var log = new List<string>();
        _ml.Log += (_, entry) => log.Add(entry.RawMessage);
        IDataView data = TinyModels.Captions(_ml, 8), held = TinyModels.Captions(_ml, 4);
        using EncodeImagesTransformer first = Trainer(TinyModels.Encoder).Fit(data, held);
        Assert.HasCount(1, log.Where(line => line.StartsWith("Validation: ", StringComparison.Ordinal)).ToArray());
        using EncodeImagesTransformer second = Trainer(TinyModels.Encoder).Fit(data, held, first);
        Assert.HasCount(2, log.Where(line => line.StartsWith("Validation: ", StringComparison.Ordinal)).ToArray());
        using EncodeImagesTransformer third = Trainer(TinyModels.Encoder).Fit(data, null, second);
        Assert.HasCount(2, log.Where(line => line.StartsWith("Validation: ", StringComparison.Ordinal)).ToArray());
    }

    [TestMethod]
    public void WhatCannotGoOnIsRefused()
    {
        using var folder = new ScratchFolder();
        IDataView data = TinyModels.Captions(_ml, 8);
        using (EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml))
        using (ImageEncoder encoder = trained.Encoder) encoder.Save(folder.Path);
        using ImageEncoder early = ImageEncoder.Load(folder.Path, new ImageEncoderOptions { SelectLayer = -2 });
        using EncodeImagesTransformer previous = _ml.MetaMorph().EncodeImages("VisualTokens", "Image", early).Fit(data);
        Assert.AreEqual(
            "The previous encoder takes its tokens from layer -2 of 1 (mm_vision_select_layer); the training moves the last layer's (-1).",
            Assert.ThrowsExactly<NotSupportedException>(() => Trainer(TinyModels.Encoder).Fit(data, previous)).Message);
        // Trained by captions alone, it has no pooling head to contrast pictures with.
        using EncodeImagesTransformer captioned = TinyModels.TrainEncoder(_ml);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => Trainer(TinyModels.Encoder with { ContrastiveWeight = 1 }).Fit(data, captioned)).Message, "no pooling head. Set ContrastiveWeight to 0.");
        Assert.ThrowsExactly<ArgumentNullException>(() => Trainer(TinyModels.Encoder).Fit(data, (EncodeImagesTransformer)null!));
    }

    private static Dictionary<string, float[]> Weights(EncodeImagesTransformer transformer)
        => transformer.Model.Parameters().ToDictionary(entry => entry.Key, entry => TensorMemory.Span<float>(entry.Value).ToArray());

    private static void AssertSameTokens(EncodeImagesTransformer expected, EncodeImagesTransformer actual, IDataView data)
        => ColumnValues.AssertEqual(ColumnValues.Rows(expected.Transform(data), ["VisualTokens"]), ColumnValues.Rows(actual.Transform(data), ["VisualTokens"]), 1e-4, "tokens");

    private LanguageImagePretrainingTrainer Trainer(LanguageImagePretrainingOptions training) => _ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
    {
        Training = training,
        TokenizerTraining = new BytePairTrainingOptions { VocabularySize = 280 },
    });
}
